/** What the simulated fleets hold: one cluster's uid, its images, and how a container says whose it is. Written anew here, not imported: the code under test may be broken. */
import type { SimulatedContainer } from "../../../shared/fleet/simulated/container.ts";
import { networkKind } from "../../../shared/kinds/network.ts";
import type { Node } from "../../../shared/kinds/node.ts";
import { apiVersion } from "../../../shared/kinds/object.ts";
import type { ServiceAct } from "./plan.ts";

export const clusterUid = "simulated-life";
const otherUid = "another-life";
export const registryHost = "registry.test:5000";
export const images = [1, 2, 3].map((tag) => `${registryHost}/app:${tag}`);

/** Ends when it is asked to. */
const obedient = ["sh", "-c", "trap 'exit 0' TERM; sleep 360000"];
/** Ends only by force. */
const deaf = ["sh", "-c", "sleep 360000"];

type Labelled = Pick<SimulatedContainer, "labels" | "name">;

/** Its labels and its name agree that this cluster has made it. */
export const isOurs = ({ labels, name }: Labelled): boolean =>
  labels["windlass.dev/cluster-uid"] === clusterUid && labels["windlass.dev/attempt"] === name;
export const isOurNetwork = ({ Labels }: { readonly Labels?: Readonly<Record<string, string>> | null | undefined }): boolean =>
  Labels?.["windlass.dev/cluster-uid"] === clusterUid;
export const taskUidOf = ({ labels }: Labelled): string | undefined => labels["windlass.dev/task"]?.split("/", 1)[0];

/** Of a container that somebody made by hand, or another cluster did. `digits`: 24 hexadecimal ones. */
export function foreignBody(how: "plain" | "other cluster" | "our name" | "our labels", digits: string) {
  const attempt = `wl-${digits}`;
  const labels = (uid: string, id: string) => ({ "windlass.dev/cluster-uid": uid, "windlass.dev/attempt": id });
  const body = { Image: "busybox", Cmd: obedient };
  switch (how) {
    case "plain":
      return { name: `by-hand-${digits.slice(0, 6)}`, body };
    case "other cluster":
      return { name: attempt, body: { ...body, Labels: labels(otherUid, attempt) } };
    case "our name":
      return { name: attempt, body };
    case "our labels":
      return { name: `copy-${digits.slice(0, 6)}`, body: { ...body, Labels: labels(clusterUid, attempt) } };
    default:
      return how satisfies never;
  }
}

export const createBody = { Image: "busybox", Cmd: obedient };

export function nodeInput(name: string, address: string, zone: string) {
  const spec: Node["spec"] = { address, availability: "active", role: "worker", membership: "accepted" };
  return { apiVersion, kind: "Node" as const, metadata: { name, labels: { zone } }, spec };
}

/** Of services that have one. */
export const networkName = "inside";
export const networkInput = () => ({
  apiVersion,
  kind: networkKind.kind,
  metadata: { name: networkName },
  spec: networkKind.spec.parse({}),
});

/** As a user writes it. */
export function serviceSpec(act: ServiceAct) {
  const { mode, replicas, image, order, failureAction, parallelism, zone, maxReplicas, isDeaf, isNetworked } = act;
  return {
    mode,
    replicas,
    update: { order, failureAction, parallelism, delay: "1s" },
    template: {
      spec: {
        image,
        command: isDeaf ? deaf : obedient,
        stopGracePeriod: "3s",
        restartPolicy: { delay: "1s" },
        ...(isNetworked && { networks: [networkName] }),
        ...(zone !== undefined && { constraints: [`node.labels.zone==${zone}`] }),
        ...(maxReplicas > 0 && { placement: { maxReplicas } }),
      },
    },
  };
}
