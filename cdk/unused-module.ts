/**
 * Stands in the bundles for modules that a library loads and that are never called there (bundle.ts). It has nothing in it: whoever calls it
 * after all hears that it is not a function.
 */
export {};
