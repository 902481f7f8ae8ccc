/** Windlass' own version, as its package says: asked for by the package's name, which is the same from the sources and from dist/. */
import { createRequire } from "node:module";

const { version } = createRequire(import.meta.url)("windlass/package.json") as { readonly version: string };

/** Like 0.1.0. */
export const release = version;
