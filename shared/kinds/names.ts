/**
 * What names, namespaces, labels, annotations, finalizers and owners may look like: Kubernetes' rules in Kubernetes' words
 * (apimachinery, validation and objectmeta), so that its clients' own checks agree with ours. Nothing here is stateful;
 * validate.ts puts the checks together.
 */
import { type FieldError, fieldPath, forbidden, invalid, required, tooLong } from "./field-error.ts";
import type { OwnerReference } from "./object.ts";

/** RFC 1123: a domain name has at most 253 characters, a label of it 63. */
const subdomainCharactersMax = 253;
const labelCharactersMax = 63;
/** Kubernetes: all annotations together, keys and values. An object's own bound (objectBytesMax) is reached before it. */
export const annotationsBytesMax = 256 * 1024;

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const qualifiedName = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValue = `(${qualifiedName})?`;
const wholly = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const labelPattern = wholly(label);
const subdomainPattern = wholly(subdomain);
const qualifiedNamePattern = wholly(qualifiedName);
const labelValuePattern = wholly(labelValue);

const qualifiedNameRule =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character" +
  ` (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualifiedName}')`;
const labelValueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  `alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${labelValue}')`;
const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric " +
  `character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`;
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
  `alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`;

/** Most are as they may be: that costs no list. */
const none: readonly never[] = Object.freeze([]);

/** What is wrong with a DNS-1123 subdomain; empty when nothing is. */
export function subdomainProblems(value: string): readonly string[] {
  if (value.length <= subdomainCharactersMax && subdomainPattern.test(value)) return none;
  return [...lengthProblems(value, subdomainCharactersMax), ...(subdomainPattern.test(value) ? [] : [subdomainRule])];
}

/** What is wrong with a DNS-1123 label; empty when nothing is. */
function labelProblems(value: string): readonly string[] {
  if (value.length <= labelCharactersMax && labelPattern.test(value)) return none;
  return [...lengthProblems(value, labelCharactersMax), ...(labelPattern.test(value) ? [] : [labelRule])];
}

/** What is wrong with a label's key, an annotation's or a finalizer: `[prefix/]name`; empty when nothing is. */
export function qualifiedNameProblems(value: string): readonly string[] {
  if (value.length <= labelCharactersMax && qualifiedNamePattern.test(value)) return none;
  const parts = value.split("/");
  if (parts.length > 2)
    return [`a qualified name ${qualifiedNameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const [prefix, name] = parts.length === 2 ? [parts[0] ?? "", parts[1] ?? ""] : [undefined, value];
  return [...(prefix === undefined ? [] : prefixProblems(prefix)), ...nameProblems(name)];
}

/** What is wrong with a label's value; empty when nothing is. */
export function labelValueProblems(value: string): readonly string[] {
  if (value.length <= labelCharactersMax && labelValuePattern.test(value)) return none;
  return [...lengthProblems(value, labelCharactersMax), ...(labelValuePattern.test(value) ? [] : [labelValueRule])];
}

export const checkName = (name: string, field = "metadata.name"): readonly FieldError[] =>
  name === "" ? [required(field, "name or generateName is required")] : errors(field, name, subdomainProblems(name));

/** A generateName need not end like a name: Kubernetes lets a '-' stand there, for the suffix follows. */
export const checkGenerateName = (base: string): readonly FieldError[] =>
  errors("metadata.generateName", base, subdomainProblems(base.replace(/-$/, "a")));

export const checkNamespace = (namespace: string, field = "metadata.namespace"): readonly FieldError[] =>
  errors(field, namespace, labelProblems(namespace));

export const checkLabels = (labels: Readonly<Record<string, string>>, field = "metadata.labels"): readonly FieldError[] =>
  Object.entries(labels).flatMap(([key, value]) => [
    ...errors(field, key, qualifiedNameProblems(key)),
    ...errors(fieldPath(field, key), value, labelValueProblems(value)),
  ]);

export function checkAnnotations(annotations: Readonly<Record<string, string>>, field = "metadata.annotations"): FieldError[] {
  const found = Object.keys(annotations).flatMap((key) => errors(field, key, qualifiedNameProblems(key.toLowerCase())));
  return isLonger(annotations, annotationsBytesMax) ? [...found, tooLong(field, annotationsBytesMax, "bytes")] : found;
}

/** Whether keys and values have more than `bytesMax` together, in UTF-8: at most three bytes a UTF-16 unit. */
function isLonger(texts: Readonly<Record<string, string>>, bytesMax: number): boolean {
  let units = 0;
  for (const key in texts) units += key.length + (texts[key] ?? "").length;
  if (units * 3 <= bytesMax) return false;
  const encoder = new TextEncoder();
  let bytes = 0;
  for (const [key, value] of Object.entries(texts)) bytes += encoder.encode(key).length + encoder.encode(value).length;
  return bytes > bytesMax;
}

/** Kubernetes' own finalizers; every other needs a prefix, so that two owners can't mean different things by one name. */
const plainFinalizers = new Set(["orphan", "foregroundDeletion", "kubernetes"]);

export function checkFinalizers(finalizers: readonly string[], field = "metadata.finalizers"): FieldError[] {
  const found = finalizers.flatMap((name, index) => finalizerErrors(name, fieldPath(field, index)));
  if (!finalizers.includes("orphan") || !finalizers.includes("foregroundDeletion")) return found;
  return [...found, invalid(field, finalizers, "finalizer orphan and foregroundDeletion cannot be both set")];
}

export function checkOwnerReferences(owners: readonly OwnerReference[], field = "metadata.ownerReferences"): FieldError[] {
  const found = owners.flatMap((owner, index) => ownerErrors(owner, fieldPath(field, index)));
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length < 2) return found;
  const names = controllers.map((owner) => owner.name).join(" and ");
  return [
    ...found,
    invalid(
      field,
      controllers.length,
      `Only one reference can have Controller set to true. Found "true" in references for ${names}`,
    ),
  ];
}

/** Kubernetes' utilrand: no vowels and nothing that looks like another character, so that no words arise. */
const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
const suffixCharacters = 5;
const generatedBaseMax = labelCharactersMax - suffixCharacters;

/** A name from a generateName: its first 58 characters and five random ones. `random` gives numbers in [0, 1). */
export function generateName(base: string, random: () => number): string {
  const draw = (): string => suffixAlphabet.charAt(Math.floor(random() * suffixAlphabet.length));
  return base.slice(0, generatedBaseMax) + Array.from({ length: suffixCharacters }, draw).join("");
}

function errors(field: string, value: string, problems: readonly string[]): readonly FieldError[] {
  return problems === none ? none : problems.map((problem) => invalid(field, value, problem));
}

function lengthProblems(value: string, max: number): string[] {
  return value.length > max ? [`must be no more than ${max} characters`] : [];
}

function prefixProblems(prefix: string): string[] {
  return prefix === "" ? ["prefix part must be non-empty"] : subdomainProblems(prefix).map((problem) => `prefix part ${problem}`);
}

function nameProblems(name: string): string[] {
  if (name === "") return ["name part must be non-empty", `name part ${qualifiedNameRule}`];
  const long = lengthProblems(name, labelCharactersMax).map((problem) => `name part ${problem}`);
  return qualifiedNamePattern.test(name) ? long : [...long, `name part ${qualifiedNameRule}`];
}

function finalizerErrors(name: string, field: string): readonly FieldError[] {
  const found = errors(field, name, qualifiedNameProblems(name));
  if (found.length > 0 || name.includes("/") || plainFinalizers.has(name)) return found;
  return [invalid(field, name, "name is neither a standard finalizer name nor is it fully qualified")];
}

function ownerErrors(owner: OwnerReference, field: string): FieldError[] {
  const parts = ["apiVersion", "kind", "name", "uid"] as const;
  const missing = parts.filter((part) => owner[part] === "").map((part) => required(fieldPath(field, part), "must not be empty"));
  return owner.kind === "Event" ? [...missing, forbidden(field, "an Event is disallowed from being an owner")] : missing;
}
