/** Windlass' own version, as its package says it: the bundle holds it, for a function has no package beside it. */
import packageJson from "../../package.json" with { type: "json" };

/** Like 0.1.0. */
export const release: string = packageJson.version;
