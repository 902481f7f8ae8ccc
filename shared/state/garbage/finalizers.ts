/** Kubernetes' own finalizers: what becomes of an object's dependents when it goes. */

/** Held while the dependents lose their reference to the object. */
export const orphanFinalizer = "orphan";
/** Held while dependents are there that block the deletion. */
export const foregroundFinalizer = "foregroundDeletion";

export const isPropagation = (finalizer: string): boolean => finalizer === orphanFinalizer || finalizer === foregroundFinalizer;
