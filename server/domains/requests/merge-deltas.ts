import type { JsonObject, JsonValue } from '../../kernel/json.ts';

/** Fields that are given once, whole: a second value doesn't lengthen the first. */
const WHOLE_FIELDS: ReadonlySet<string> = new Set(['role', 'type', 'id', 'index']);

/**
 * Two deltas as one, as OpenAI's clients put a stream together: texts are joined, objects merged, and the items of a list
 * that have an `index` (tool calls) merged with the item of the same index.
 */
export function mergeDeltas(before: JsonObject, next: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...before };
  for (const [key, value] of Object.entries(next)) {
    const known = Object.hasOwn(merged, key) ? merged[key] : undefined;
    define(merged, key, known === undefined || known === null ? value : mergeValues(key, known, value));
  }
  return merged;
}

function mergeValues(key: string, known: JsonValue, value: JsonValue): JsonValue {
  if (value === null || WHOLE_FIELDS.has(key)) return known;
  if (typeof known === 'string' && typeof value === 'string') return known + value;
  if (isList(known) && isList(value)) return mergeLists(known, value);
  if (isObject(known) && isObject(value)) return mergeDeltas(known, value);
  return value;
}

function mergeLists(known: readonly JsonValue[], next: readonly JsonValue[]): readonly JsonValue[] {
  const merged = [...known];
  for (const item of next) {
    const at = merged.findIndex((other) => indexOf(other) !== null && indexOf(other) === indexOf(item));
    if (at === -1) merged.push(item);
    else merged[at] = mergeDeltas(merged[at] as JsonObject, item as JsonObject);
  }
  return merged;
}

function indexOf(item: JsonValue): JsonValue | null {
  return isObject(item) ? (item.index ?? null) : null;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// A provider may send any name, `__proto__` too.
function define(target: Record<string, JsonValue>, key: string, value: JsonValue): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}
