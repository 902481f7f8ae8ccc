/**
 * The routes of the Docker Engine API, and nothing else: each row says who may (route.ts), where the answer comes from, and what makes it.
 * The first that fits is taken, so that words stand before names.
 */
import { attach, attachByWebSocket, attachOneWay } from "./containers/attach.ts";
import { commitContainer, removeContainer, renameContainer, updateContainer } from "./containers/change.ts";
import { createContainer } from "./containers/create.ts";
import { inspectContainer } from "./containers/inspect.ts";
import { listContainers } from "./containers/list.ts";
import { afterGrace, follows, isAlways, passTo, slowly } from "./containers/pass.ts";
import { containerStats } from "./containers/stats.ts";
import { waitForContainer } from "./containers/wait.ts";
import { events } from "./events/events.ts";
import { createExec, passToExec, startExec, startExecOneWay } from "./execs.ts";
import { builderOneWay, connectBuilder, passToBuilder } from "./images/buildkit.ts";
import { removeImage, tagImage } from "./images/change.ts";
import { imageHistory, inspectImage, listImages } from "./images/list.ts";
import { createImage } from "./images/pull.ts";
import { referencePath } from "./images/reference-path.ts";
import { buildImage, loadImages, pushImage, saveImages } from "./images/transfer.ts";
import {
  connectNetwork,
  createNetwork,
  disconnectNetwork,
  inspectNetwork,
  listNetworks,
  removeNetwork,
} from "./node-parts/networks.ts";
import { createVolume, inspectVolume, listVolumes, removeVolume } from "./node-parts/volumes.ts";
import { passToAny } from "./nodes/any-ready.ts";
import { pruneBuilds, pruneContainers, pruneImages, pruneNetworks, pruneVolumes } from "./prune.ts";
import { type RouteRow, row } from "./route.ts";
import { diskUsage } from "./system/disk-usage.ts";
import { info } from "./system/info.ts";
import { ping } from "./system/ping.ts";
import { noSuchPlugin, refuse, refuseSwarm, words } from "./system/swarm.ts";
import { version } from "./system/version.ts";

const system: readonly RouteRow[] = [
  row("GET", "/_ping", "read", "own", ping),
  row("HEAD", "/_ping", "read", "own", ping),
  row("GET", "/version", "read", "store", version),
  row("GET", "/info", "read", "store", info),
  row("GET", "/events", "read", "all nodes", events),
  row("GET", "/system/df", "read", "all nodes", diskUsage),
  row(
    "POST",
    "/auth",
    "change",
    "one node",
    passToAny(() => "/auth"),
  ),
  row("POST", "/build", "change", "one node", buildImage),
  row("POST", "/build/prune", "change", "all nodes", pruneBuilds),
  row("POST", "/build/cancel", "change", "one node", passToBuilder("/build/cancel")),
  row("POST", "/commit", "change", "node", commitContainer),
];

const containers: readonly RouteRow[] = [
  row("GET", "/containers/json", "read", "store", listContainers),
  row("POST", "/containers/create", "change", "node", createContainer),
  row("POST", "/containers/prune", "change", "all nodes", pruneContainers),
  row("GET", "/containers/:id/json", "read", "node", inspectContainer),
  row("GET", "/containers/:id/top", "read", "node", passTo("top")),
  row("GET", "/containers/:id/logs", "read", "node", passTo("logs", { streams: follows })),
  row("GET", "/containers/:id/stats", "read", "node", containerStats),
  row("GET", "/containers/:id/changes", "read", "node", passTo("changes")),
  row("GET", "/containers/:id/export", "change", "node", passTo("export", { streams: isAlways, timeoutMs: slowly })),
  row("HEAD", "/containers/:id/archive", "change", "node", passTo("archive")),
  row("GET", "/containers/:id/archive", "change", "node", passTo("archive", { streams: isAlways, timeoutMs: slowly })),
  row("PUT", "/containers/:id/archive", "change", "node", passTo("archive", { streams: isAlways, timeoutMs: slowly })),
  row("POST", "/containers/:id/start", "change", "node", passTo("start", { changes: true })),
  row("POST", "/containers/:id/stop", "change", "node", passTo("stop", { changes: true, timeoutMs: afterGrace })),
  row("POST", "/containers/:id/restart", "change", "node", passTo("restart", { changes: true, timeoutMs: afterGrace })),
  row("POST", "/containers/:id/kill", "change", "node", passTo("kill", { changes: true })),
  row("POST", "/containers/:id/pause", "change", "node", passTo("pause", { changes: true })),
  row("POST", "/containers/:id/unpause", "change", "node", passTo("unpause", { changes: true })),
  row("POST", "/containers/:id/update", "change", "node", updateContainer),
  row("POST", "/containers/:id/rename", "change", "store", renameContainer),
  row("POST", "/containers/:id/resize", "change", "node", passTo("resize")),
  row("POST", "/containers/:id/wait", "change", "node", waitForContainer),
  row("POST", "/containers/:id/exec", "change", "node", createExec),
  { ...row("POST", "/containers/:id/attach", "change", "hijacked", attachOneWay), upgrade: attach },
  row("GET", "/containers/:id/attach/ws", "change", "refused", attachByWebSocket),
  row("DELETE", "/containers/:id", "change", "node", removeContainer),
];

const execs: readonly RouteRow[] = [
  { ...row("POST", "/exec/:id/start", "change", "hijacked", startExecOneWay), upgrade: startExec },
  row("POST", "/exec/:id/resize", "change", "node", passToExec("resize")),
  row("GET", "/exec/:id/json", "read", "node", passToExec("json")),
];

const images: readonly RouteRow[] = [
  row("GET", "/images/json", "read", "all nodes", listImages),
  row("POST", "/images/create", "change", "all nodes", createImage),
  { ...row("POST", "/session", "change", "hijacked", builderOneWay), upgrade: connectBuilder },
  { ...row("POST", "/grpc", "change", "hijacked", builderOneWay), upgrade: connectBuilder },
  row("POST", "/images/load", "change", "all nodes", loadImages),
  row("POST", "/images/prune", "change", "all nodes", pruneImages),
  row("GET", "/images/get", "change", "one node", saveImages),
  row(
    "GET",
    "/images/search",
    "read",
    "one node",
    passToAny(() => "/images/search"),
  ),
  row("GET", "/images/:name/json", "read", "one node", inspectImage),
  row("GET", "/images/:name/history", "read", "one node", imageHistory),
  row("GET", "/images/:name/get", "change", "one node", saveImages),
  row("POST", "/images/:name/push", "change", "one node", pushImage),
  row("POST", "/images/:name/tag", "change", "all nodes", tagImage),
  row("DELETE", "/images/:name", "change", "all nodes", removeImage),
  row(
    "GET",
    "/distribution/:name/json",
    "read",
    "one node",
    passToAny(({ params }) => `/distribution/${referencePath(params["name"] ?? "")}/json`),
  ),
];

const nodeParts: readonly RouteRow[] = [
  row("GET", "/networks", "read", "all nodes", listNetworks),
  row("POST", "/networks/create", "change", "all nodes", createNetwork),
  row("POST", "/networks/prune", "change", "all nodes", pruneNetworks),
  row("POST", "/networks/:id/connect", "change", "node", connectNetwork),
  row("POST", "/networks/:id/disconnect", "change", "node", disconnectNetwork),
  row("GET", "/networks/:id", "read", "all nodes", inspectNetwork),
  row("DELETE", "/networks/:id", "change", "all nodes", removeNetwork),
  row("GET", "/volumes", "read", "all nodes", listVolumes),
  row("POST", "/volumes/create", "change", "all nodes", createVolume),
  row("POST", "/volumes/prune", "change", "all nodes", pruneVolumes),
  row("GET", "/volumes/:id", "read", "all nodes", inspectVolume),
  row("DELETE", "/volumes/:id", "change", "all nodes", removeVolume),
];

/** Swarm mode's collections, of which engines without a swarm say 503. */
const swarmCollections = ["nodes", "services", "tasks", "secrets", "configs"];

const refused: readonly RouteRow[] = [
  row("GET", "/swarm", "read", "refused", refuseSwarm),
  row("GET", "/swarm/unlockkey", "change", "refused", refuseSwarm),
  row("POST", "/swarm/:verb", "change", "refused", refuse(words.swarmChange)),
  ...swarmCollections.flatMap((name) => [
    row("GET", `/${name}`, "read", "refused", refuseSwarm),
    row("GET", `/${name}/:id`, "read", "refused", refuseSwarm),
    row("POST", `/${name}/:id`, "change", "refused", refuseSwarm),
    row("DELETE", `/${name}/:id`, "change", "refused", refuseSwarm),
  ]),
  row("GET", "/plugins", "read", "refused", refuse(words.plugins)),
  row("GET", "/plugins/:name/json", "read", "refused", noSuchPlugin),
  row("GET", "/plugins/:name", "read", "refused", refuse(words.plugins)),
  row("POST", "/plugins/:name", "change", "refused", refuse(words.plugins)),
  row("DELETE", "/plugins/:name", "change", "refused", refuse(words.plugins)),
];

export const routeRows: readonly RouteRow[] = [...system, ...containers, ...execs, ...images, ...nodeParts, ...refused];
