/**
 * Makes a container on a node that the scheduler chooses, up to five times on another node each time. All tries are attempts of one
 * Container object, so that only the last one's container counts: whatever a node that did not answer has made is a stale attempt,
 * which goes when that node is back. When all have failed the object goes, too.
 */
import type { Node } from "../../kinds/node.ts";
import { newObjectName } from "../containers/attempts.ts";
import { EngineError } from "../engine-errors.ts";
import { type CreateContainerOptions, type Created, checkedOptions } from "./container-options.ts";
import { InvalidOptionError, NodeError, NoNodesError, RoomTakenError, TriesExceededError } from "./errors.ts";
import { forgetNamed } from "./names.ts";
import { withOthers } from "./refusal.ts";
import type { ScheduleRequest, Scheduler } from "./scheduler.ts";
import { type Trier, type Try, tryOn } from "./try-container.ts";

export type Maker = Trier & { readonly scheduler: Scheduler };
type Choice = { readonly node: Node; readonly request: ScheduleRequest };

/** The source's. */
const createTriesMax = 5;
/** How often others may take the room first: each time one of them has got on. */
const racesMax = 100;

export async function createContainer(maker: Maker, options: CreateContainerOptions): Promise<Created> {
  const { nodes: explicit = [], namespace = "default", ...checked } = checkedOptions(options);
  const object = { namespace, name: newObjectName(maker.tools.ids) };
  try {
    if (explicit.length > 0) return await tryOn(maker, await oneOf(maker, explicit), { ...checked, object });
    return await tryOnMany(maker, { ...checked, object });
  } catch (error) {
    await abandon(maker, object);
    throw error;
  }
}

async function tryOnMany(maker: Maker, options: Try): Promise<Created> {
  const failed: NodeError[] = [];
  let races = 0;
  while (failed.length < createTriesMax) {
    options.signal?.throwIfAborted();
    const avoid = new Set(failed.map(({ nodeName }) => nodeName));
    const { node, request } = await schedule(maker, options, avoid).catch((error: unknown) => {
      throw failed.length === 0 ? error : new TriesExceededError(failed, error);
    });
    const admits: Try["admits"] = (transaction, body) =>
      maker.scheduler.admits?.(transaction, node, { ...request, body }) ?? true;
    try {
      return await tryOn(maker, node, { ...options, admits });
    } catch (error) {
      races += 1;
      if (error instanceof RoomTakenError && races <= racesMax) continue;
      if (!(error instanceof NodeError) || isRequestsFault(error.cause)) throw error;
      failed.push(error);
    }
  }
  throw new TriesExceededError(failed);
}

async function schedule({ ground, tools, scheduler }: Maker, options: Try, avoid: ReadonlySet<string>): Promise<Choice> {
  const enabled = await ground.nodes.nodes();
  const among = options.among && new Set(options.among);
  const nodes = enabled.filter(({ metadata }) => among?.has(metadata.name) !== false);
  const { body, platform, object, schedulerOptions } = options;
  const request = { nodes, store: ground.store, body, platform, object, options: schedulerOptions, avoid };
  const node = await scheduler.schedule(request).catch(async (error: unknown) => {
    if (!(error instanceof NoNodesError)) throw error;
    const known = new Set(enabled.map(({ metadata }) => metadata.uid));
    const others = (await ground.nodes.unfilteredNodes()).filter(({ metadata }) => !known.has(metadata.uid));
    throw withOthers(error, others, tools.clock.now());
  });
  if (nodes.some(({ metadata }) => metadata.uid === node.metadata.uid)) return { node, request };
  throw new NoNodesError(`the scheduler chose ${node.metadata.name}, which is no enabled node`);
}

/** Takes the object away, so that whatever some node has made of it is a stale attempt there. */
async function abandon({ ground, tools }: Maker, object: Try["object"]): Promise<void> {
  try {
    await forgetNamed(ground.store, object);
  } catch (error) {
    tools.logger.log("warn", "the object of a container that was not made stays until its deadline", { ...object, error });
  }
}

async function oneOf({ ground, tools }: Maker, references: readonly string[]): Promise<Node> {
  const reference = references[Math.floor(tools.ids.random() * references.length)] ?? "";
  if (reference === "") throw new InvalidOptionError("nodes", "must be names or addresses of nodes, none of them empty");
  return await ground.nodes.get(reference);
}

/** The engine understood what it was asked for, and it can't be: another one would say the same. */
const isRequestsFault = (error: unknown): boolean => error instanceof EngineError && error.status === 400;
