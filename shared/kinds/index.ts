/** `windlass/kinds`: the objects, their schemas and the registry that a store is opened with. An entry point of the package. */
export { type Cluster, clusterKind } from "./cluster.ts";
export { type Container, containerKind } from "./container.ts";
export { type Column, type KindDefinition, keyOf } from "./definition.ts";
export type { FieldError } from "./field-error.ts";
export { type Image, imageKind } from "./image.ts";
export { type Network, networkKind } from "./network.ts";
export { type Node, nodeKind } from "./node.ts";
export { apiVersion, group, type Metadata, type ObjectInput, type WindlassObject } from "./object.ts";
export { builtinKinds, createRegistry, type Registry } from "./registry.ts";
export { type Service, serviceKind } from "./service.ts";
export { type Task, taskKind } from "./task.ts";
export { type Decoded, decodeObject } from "./validate.ts";
