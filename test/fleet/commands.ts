/** What containers of tests run. */

/** Until it is asked to end, then at once. */
export const runs = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 3600; done"];
/** The same for a real shell, which hears nothing while its sleep goes on. */
export const runsForReal = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done"];
