/** What registers a node: the source's Node as its callers give it, and the Node object that it becomes. */
import { createHash } from "node:crypto";
import { engineAt, type Node, nodeKind } from "../../kinds/node.ts";
import { apiVersion, type ObjectInput } from "../../kinds/object.ts";
import { decodeObject } from "../../kinds/validate.ts";
import { type CreationStatus, creationSpec } from "./creation-status.ts";
import { InvalidNodeError } from "./errors.ts";
import { withMetadata } from "./metadata.ts";

export type NodeRegistration = {
  /** tcp://host:port, unix:///path, http://… or https://… */
  readonly address: string;
  /** Of the Node object. Absent: made from the address. */
  readonly name?: string;
  /** Free text; see metadata.ts for where it stands. Empty values are left out. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Absent: created. */
  readonly creationStatus?: CreationStatus;
  readonly role?: Node["spec"]["role"];
  /** The secret with certificate, key and authority; absent: the cluster's. */
  readonly tlsSecretName?: string;
};

/** Hex digits that tell apart nodes whose addresses make the same name. */
const digestCharacters = 6;
/** A name has at most 253 characters. */
const baseCharactersMax = 253 - 1 - digestCharacters;

/** @throws InvalidNodeError */
export function nodeOf(registration: NodeRegistration): ObjectInput<Node> {
  const { address, name = nodeNameFor(address), metadata = {}, role, tlsSecretName, creationStatus = "created" } = registration;
  if (address.trim() === "") throw new InvalidNodeError("spec.address", "Invalid address");
  const body = {
    apiVersion,
    kind: nodeKind.kind,
    metadata: withMetadata({ name }, metadata),
    spec: {
      address,
      ...(role !== undefined && { role }),
      ...(tlsSecretName !== undefined && { tls: { secretRef: { name: tlsSecretName } } }),
    },
  };
  const decoded = decodeObject(nodeKind, body);
  if (!decoded.ok) {
    const { field, message } = decoded.errors[0] ?? { field: "spec", message: "is not a node's" };
    throw new InvalidNodeError(field, message);
  }
  const node: ObjectInput<Node> = { ...decoded.object, metadata: { ...decoded.object.metadata, name } };
  return creationSpec(node, creationStatus);
}

/** `tcp://10.0.0.1:2375` is `10.0.0.1-2375`. The same for every way to write one address. */
export function nodeNameFor(address: string): string {
  const text = engineAt(address)
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, "-")
    .replaceAll(/-*\.[-.]*/g, ".")
    .replaceAll(/^[-.]+|[-.]+$/g, "");
  return text.slice(0, baseCharactersMax).replace(/[-.]+$/, "") || "node";
}

/** For an address whose name another one has. */
export function otherNodeNameFor(address: string): string {
  const digest = createHash("sha256").update(engineAt(address)).digest("hex").slice(0, digestCharacters);
  return `${nodeNameFor(address)}-${digest}`;
}
