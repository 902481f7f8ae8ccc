/**
 * `docker create`: the fleet chooses the node, commits the container's object and makes it there. An image that only some nodes have is
 * run on one of those; one that none has is 404 in Docker's words, upon which clients pull, on all nodes, and ask again.
 */
import { type JsonObject, objectOf } from "../../base/json.ts";
import { endpointWithAlias, isOwnNetwork } from "../../fleet/containers/own-networks.ts";
import type { ContainerCreate } from "../../fleet/engine/containers.ts";
import { NoSuchImageError } from "../../fleet/engine-errors.ts";
import { NodeError, NoNodesError, noSuchImage, TriesExceededError } from "../../fleet/fleet/errors.ts";
import type { Container } from "../../kinds/container.ts";
import { jsonBody } from "../body.ts";
import type { Call } from "../call.ts";
import { badParameter } from "../errors.ts";
import { type DockerAnswer, json } from "../exchange.ts";
import { askNodes } from "../fan-out.ts";
import { ensureFleetNetwork } from "../node-parts/fleet-networks.ts";
import { checkedName } from "./change.ts";
import { nearnessOf } from "./nearness.ts";
import { look } from "./pass.ts";
import { constraintText, type PlacementWords, placementWords, type Rule } from "./placement-words.ts";
import { resolveReferences } from "./references.ts";
import { shownName } from "./row.ts";

type Wanted = {
  readonly name: string | undefined;
  readonly body: ContainerCreate;
  readonly platform: string | undefined;
  readonly constraints: readonly string[];
  /** Constraints that are left out where they can't be met. */
  readonly wishes: readonly string[];
  readonly affinities: readonly string[];
  /** Nodes that it may be on; undefined: all. */
  readonly among: readonly string[] | undefined;
};

export async function createContainer(call: Call): Promise<DockerAnswer> {
  const { query } = call;
  const name = checkedName(query.get("name") ?? "");
  const words = placementWords(await jsonBody(call.request));
  const { body, nodeName } = await resolveReferences(call, words.body);
  const image = body["Image"];
  if (typeof image !== "string" || image === "") throw badParameter("no image specified");
  const { primary, others } = splitEndpoints(body);
  const placed = await placedBy(call, words);
  const near = await nearnessOf(call, body);
  const best = near.wish ?? near.among?.[0];
  if (best !== undefined && nodeName === undefined) await bringImage(call, image, best);
  const among = near.among?.filter((each) => placed.among?.includes(each) ?? true) ?? placed.among;
  if (among?.length === 0)
    throw new NoNodesError("no suitable node (none has both its volumes and the images of its affinities)");
  const wanted: Wanted = {
    ...placed,
    name,
    body: { ...withEndpointMac(body), ...primary } as ContainerCreate,
    platform: query.get("platform") || undefined,
    constraints: [...placed.constraints, ...(nodeName === undefined ? [] : [`node.name==${nodeName}`])],
    wishes: [...placed.wishes, ...(near.wish === undefined ? [] : [`node.name==${near.wish}`])],
    among,
  };
  const { container, warnings } = await onHolders(call, wanted, image);
  await joinNetworks(call, container, { names: near.networks, others });
  call.front.names.set(container.status?.containerId ?? "", shownName(container).slice(1));
  return json({ Id: container.status?.containerId ?? "", Warnings: [...near.warnings, ...warnings] }, { status: 201 });
}

/**
 * Where only other nodes have its image, the node where the container should be gets it from one of those: who shares a network may have been
 * built and pulled anywhere. What fails here is no reason not to run elsewhere.
 */
async function bringImage(call: Call, image: string, nodeName: string): Promise<void> {
  const holders = await askedHolders(call, image);
  if (holders.length === 0 || holders.includes(nodeName)) return;
  const { signal } = call;
  try {
    await call.fleet.images.load(await call.fleet.images.save([image], { signal }), { nodes: [nodeName], signal });
    call.front.logger.log("info", "an image was copied to where its container should be", { image, node: nodeName });
  } catch (error) {
    signal.throwIfAborted();
    call.front.logger.log("warn", "an image could not be copied to where its container should be", {
      image,
      node: nodeName,
      error,
    });
  }
}

type Endpoints = readonly (readonly [name: string, endpoint: JsonObject])[];

/** Engines before API 1.44 take one network at first; the container is put into the others before anybody starts it. */
function splitEndpoints(body: JsonObject): { readonly primary: JsonObject; readonly others: Endpoints } {
  const networking = objectOf(body["NetworkingConfig"]);
  const all = Object.entries(objectOf(networking["EndpointsConfig"])).map(([name, value]) => [name, objectOf(value)] as const);
  if (all.length < 2) return { primary: {}, others: [] };
  const mode = objectOf(body["HostConfig"])["NetworkMode"];
  const first = all.find(([name]) => name === mode) ?? all[0];
  const EndpointsConfig = Object.fromEntries(all.filter((one) => one === first));
  return { primary: { NetworkingConfig: { ...networking, EndpointsConfig } }, others: all.filter((one) => one !== first) };
}

/** A network that is nowhere is missed when the container starts, in the engine's words. Who can't be put into all of them is removed. */
async function joinNetworks(
  call: Call,
  container: Container,
  { names, others }: { readonly names: readonly string[]; readonly others: Endpoints },
): Promise<void> {
  if (names.length === 0 && others.length === 0) return;
  const id = container.status?.containerId ?? "";
  const { engine, node } = await call.fleet.containers.find(id);
  try {
    for (const name of names) await ensureFleetNetwork(call, name, { engine, node });
    const { containerName } = container.spec;
    for (const [name, endpoint] of others) {
      const named = containerName === undefined || !isOwnNetwork(name) ? endpoint : endpointWithAlias(endpoint, containerName);
      await engine.networks.connect(name, id, named, { signal: call.signal });
    }
  } catch (error) {
    await call.fleet.containers.remove(id, { force: true, volumes: true }).catch((failure: unknown) => {
      call.front.logger.log("warn", "a container that lacks a network could not be removed", { container: id, error: failure });
    });
    throw error;
  }
  if (others.length > 0) await look(call, { container, engineId: id, node });
}

type Created = Awaited<ReturnType<Call["fleet"]["containers"]["create"]>>;

/** Nodes that are known to have the image come first, then any; then those that say they have it when they are asked. */
async function onHolders(call: Call, wanted: Wanted, image: string): Promise<Created> {
  const known = await knownHolders(call, image);
  const first = known === undefined ? undefined : await tryOn(call, wanted, known);
  const made = first ?? (await tryOn(call, wanted, undefined));
  if (made !== undefined) return made;
  const last = await tryOn(call, wanted, await askedHolders(call, image));
  if (last !== undefined) return last;
  throw noSuchImage(image.includes("@") || image.lastIndexOf(":") > image.lastIndexOf("/") ? image : `${image}:latest`);
}

/** undefined: the nodes it was tried on have no such image, or none of `among` takes it. */
async function tryOn(call: Call, wanted: Wanted, among: readonly string[] | undefined): Promise<Created | undefined> {
  const both = among === undefined ? wanted.among : among.filter((name) => wanted.among?.includes(name) ?? true);
  if (both?.length === 0) return undefined;
  try {
    return await withWishes(call, { ...wanted, among: both });
  } catch (error) {
    if (isMissingImage(error)) return undefined;
    // Of those that have the image none is free: another may be, and says so if it lacks the image.
    if (among !== undefined && error instanceof NoNodesError && wanted.among === undefined) return undefined;
    throw error;
  }
}

async function withWishes(call: Call, wanted: Wanted): Promise<Created> {
  if (wanted.wishes.length === 0) return await make(call, wanted, wanted.constraints);
  try {
    return await make(call, wanted, [...wanted.constraints, ...wanted.wishes]);
  } catch (error) {
    if (error instanceof NoNodesError) return await make(call, wanted, wanted.constraints);
    throw error;
  }
}

function make(call: Call, { name, body, platform, affinities, among }: Wanted, constraints: readonly string[]): Promise<Created> {
  const platforms = platform === undefined ? undefined : [platformOf(platform)];
  return call.fleet.containers.create({
    body,
    pull: "never",
    actor: call.principal.name,
    signal: call.signal,
    schedulerOptions: {
      ...(constraints.length > 0 && { constraints }),
      ...(affinities.length > 0 && { affinities }),
      ...(platforms && { platforms }),
    },
    ...(name !== undefined && { name }),
    ...(platform !== undefined && { platform }),
    ...(among !== undefined && { among }),
  });
}

/** Where its Image was seen; undefined: it has none, or on no node. */
async function knownHolders(call: Call, image: string): Promise<readonly string[] | undefined> {
  const names = new Set([image, `${image}:latest`]);
  const { value } = await call.ground.store.view(({ images }) =>
    [...names].flatMap((name) => images.find({ by: "index", index: "reference", value: name })),
  );
  const nodes = value.flatMap(({ status }) => status?.history?.at(-1)?.nodeNames ?? []);
  return nodes.length === 0 ? undefined : [...new Set(nodes)];
}

/** Swarm's affinities: to a container or an image they are rules, to labels preferences. */
async function placedBy(
  call: Call,
  { constraints, affinities }: PlacementWords,
): Promise<Pick<Wanted, "constraints" | "wishes" | "affinities" | "among">> {
  const firm: string[] = [];
  const wishes: string[] = [];
  const beside: string[] = [];
  let among: readonly string[] | undefined;
  const add = (rule: Rule, text: string) => (rule.isWish ? wishes : firm).push(text);
  for (const rule of constraints) add(rule, constraintText(rule));
  for (const rule of affinities) {
    const { key, operator, value } = rule;
    if (key === "container") add(rule, `node.name${operator}${(await call.fleet.containers.find(value)).node.metadata.name}`);
    else if (key === "image" && operator === "==" && !rule.isWish) among = await holders(call, value, among);
    else
      beside.push(
        `${key === "image" || key === "service" || key.startsWith("labels.") ? key : `labels.${key}`}${operator}${value}`,
      );
  }
  return { constraints: firm, wishes, affinities: beside, among };
}

/** Of the nodes of `among` those that have the image. @throws NoNodesError: others have it. */
async function holders(call: Call, image: string, among: readonly string[] | undefined): Promise<readonly string[]> {
  const names = await askedHolders(call, image);
  if (names.length === 0) throw noSuchImage(image);
  const both = among === undefined ? names : names.filter((name) => among.includes(name));
  if (both.length === 0) throw new NoNodesError("no suitable node (none has all the images of its affinities)");
  return both;
}

async function askedHolders(call: Call, image: string): Promise<readonly string[]> {
  const { parts } = await askNodes(call, "image inspect", (engine, engineCall) => engine.images.inspect(image, engineCall));
  return parts.map(({ node }) => node.metadata.name);
}

/** `os[/arch[/variant]]`, or an architecture alone, as containerd reads it. */
function platformOf(text: string): { readonly os?: string; readonly architecture?: string } {
  const [first = "", architecture] = text.split("/");
  if (architecture !== undefined) return { os: first, architecture };
  return /^(linux|windows|darwin|freebsd)$/i.test(first) ? { os: first } : { architecture: first };
}

function isMissingImage(error: unknown): boolean {
  if (error instanceof NodeError) return isMissingImage(error.cause);
  if (error instanceof TriesExceededError) return error.tries.every(isMissingImage);
  return error instanceof NoSuchImageError;
}

/** From API 1.44 on clients give the address of the first network there; engines before look for it beside. */
function withEndpointMac(body: JsonObject): JsonObject {
  if (typeof body["MacAddress"] === "string" && body["MacAddress"] !== "") return body;
  const endpoints = Object.values(objectOf(objectOf(body["NetworkingConfig"])["EndpointsConfig"]));
  const mac = endpoints
    .map((endpoint) => objectOf(endpoint)["MacAddress"])
    .find((value) => typeof value === "string" && value !== "");
  return mac === undefined ? body : { ...body, MacAddress: mac };
}
