/**
 * What must be right of a configuration before it can be applied: in lists that are owned item by item, each item can be told from all
 * others. All else is the decoder's to judge, once the configuration is laid over the object.
 */
import type { Json } from "../../base/json.ts";
import { type FieldError, fieldPath, invalid } from "../../kinds/field-error.ts";
import type { FieldType } from "./field-type.ts";
import { entryType, isList, isListType, isMapType, isObject, itemElement, itemType, type ListType } from "./parts.ts";

export function listErrors(type: FieldType | undefined, value: Json | undefined, path = ""): FieldError[] {
  if (type === undefined || value === undefined) return [];
  if (isMapType(type) && isObject(value)) {
    return Object.entries(value).flatMap(([name, part]) => listErrors(entryType(type, name), part, fieldPath(path, name)));
  }
  return isListType(type) && isList(value) ? itemErrors(type, value, path) : [];
}

function itemErrors(type: ListType, list: readonly Json[], path: string): FieldError[] {
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const field = fieldPath(path, index);
    const element = itemElement(type, item);
    if (element === undefined) return [unnamed(type, item, field)];
    if (seen.has(element)) return [duplicate(item, field)];
    seen.add(element);
    return listErrors(itemType(type), item, field);
  });
}

const unnamed = (type: ListType, item: Json, field: string): FieldError =>
  invalid(field, item, type.owned === "items" ? `must be an object with ${type.keys.join(" and ")}` : "must be a plain value");

const duplicate = (item: Json, field: string): FieldError => ({
  field,
  message: `Duplicate value: ${JSON.stringify(item)}`,
  type: "FieldValueDuplicate",
  value: item,
});
