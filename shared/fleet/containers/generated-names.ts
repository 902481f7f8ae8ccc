/** Names for containers that nobody named, of an adjective and a noun as Docker's own: `brisk_harbour`, and `brisk_harbour7` where those are taken. */
import type { Ids } from "../../base/ids.ts";

const adjectives = [
  "able amber ample brave bright brisk calm careful cheerful clear clever cool crisp curious daring deft eager early",
  "easy fair fast fine firm fond frank free fresh gentle glad golden good grand happy hardy honest humble jolly keen kind",
  "light lively loyal lucky mellow merry mild modest neat nimble noble open patient plain proud quick quiet ready rosy",
  "sharp shy silent silver smooth snug sober soft sound spry steady still sturdy sunny sure swift tidy tranquil true",
  "trusty upright vivid warm wary wise witty young zesty",
].flatMap((line) => line.split(" "));
const nouns = [
  "anchor anvil arbour badger barge beacon beam birch bobbin boulder breeze bridge brook buoy canyon capstan cedar cliff",
  "clover comet compass coral cove crane creek current dolphin drum dune eagle ember falcon fern ferry fjord flint forest",
  "galley garnet glacier grove gull harbour harvest heron hickory hollow island ivy jetty juniper keel kestrel lagoon",
  "lantern larch ledge lever loom lynx maple marsh meadow mill moor nectar oak orchard osprey otter paddle pebble pier",
  "pine plover pulley quarry quill rapid raven reef ridge river rudder sail schooner shore sparrow spruce summit tern",
  "thistle tide timber trail valley walnut wharf willow winch",
].flatMap((line) => line.split(" "));

/** Docker adds a digit after its second try; so do we. */
const plainMax = 2;
/** With ten digits a name: a cluster whose names are nearly all taken still finds one. */
const candidatesMax = 20;

export function generatedNames(ids: Ids): readonly string[] {
  const pick = (words: readonly string[]): string => words[Math.floor(ids.random() * words.length)] ?? "";
  return Array.from({ length: candidatesMax }, (_, index) => {
    const name = `${pick(adjectives)}_${pick(nouns)}`;
    return index < plainMax ? name : `${name}${Math.floor(ids.random() * 10 ** Math.ceil(index / 4))}`;
  });
}
