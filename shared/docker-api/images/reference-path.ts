/** An image's reference as a part of a path to an engine. */
import { noSuchImage } from "../../fleet/fleet/errors.ts";

/** Its slashes are the path's own. @throws NoSuchImageError for what would be another path. */
export function referencePath(reference: string): string {
  if (reference.split("/").some((part) => part === "" || part === "." || part === "..")) throw noSuchImage(reference);
  return reference.split("/").map(encodeURIComponent).join("/").replaceAll("%3A", ":").replaceAll("%40", "@");
}
