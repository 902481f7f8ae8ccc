/** `docker wait`: passed, as long as it takes. Where answers are sent whole, a wait that lasts is one that can't be held. */
import { answerMsMax, cannotCarry, whole } from "../buffered.ts";
import type { Call } from "../call.ts";
import type { DockerAnswer } from "../exchange.ts";
import { containerOf, passTo } from "./pass.ts";

const wait = passTo("wait");

export async function waitForContainer(call: Call): Promise<DockerAnswer> {
  if (call.front.transport === "stream") return await wait(call);
  const { node } = await containerOf(call);
  const [late, over] = [new AbortController(), new AbortController()];
  call.front.clock.sleep(answerMsMax, over.signal).then(
    () => late.abort(),
    () => undefined, // it ended in time
  );
  const limited = { ...call, signal: AbortSignal.any([call.signal, late.signal]) };
  try {
    return await whole(limited, await wait(limited));
  } catch (error) {
    if (!late.signal.aborted || call.signal.aborted) throw error;
    const why = `the container went on for more than ${answerMsMax / 1_000} s; to wait longer needs a connection that streams`;
    throw cannotCarry(why, [node]);
  } finally {
    over.abort();
  }
}
