import type { JsonObject, JsonValue } from '../../kernel/json.ts';

/** Fields that are given once, whole: a second value doesn't lengthen the first. */
const WHOLE_FIELDS: ReadonlySet<string> = new Set(['role', 'type', 'id', 'index', 'finish_reason']);

type OwnObject = Record<string, JsonValue>;
type OwnList = JsonValue[];

/**
 * Deltas as one, as OpenAI's clients put a stream together: texts are joined, objects merged, and the items of a list that have
 * an `index` (tool calls) merged with the item of the same index. A delta takes time for its own size, however much came
 * before, and is left as it is.
 */
export class MergedDelta {
  readonly #fields: OwnObject = {};
  /** Where the items of a list are, by their `index`. */
  readonly #positions = new WeakMap<OwnList, Map<JsonValue, number>>();

  /** Everything so far; it changes with the next delta. */
  get fields(): JsonObject {
    return this.#fields;
  }

  /** Adds the next delta. */
  add(delta: JsonObject): void {
    this.#addTo(this.#fields, delta);
  }

  #addTo(target: OwnObject, next: JsonObject): void {
    for (const [key, value] of Object.entries(next)) {
      const known = Object.hasOwn(target, key) ? target[key] : undefined;
      if (known === undefined || known === null) define(target, key, copyOf(value));
      else if (value !== null && !WHOLE_FIELDS.has(key)) this.#addValue(target, key, known, value);
    }
  }

  #addValue(target: OwnObject, key: string, known: JsonValue, value: JsonValue): void {
    if (typeof known === 'string' && typeof value === 'string') define(target, key, known + value);
    else if (isList(known) && isList(value)) this.#addItems(known as OwnList, value);
    else if (isObject(known) && isObject(value)) this.#addTo(known as OwnObject, value);
    else define(target, key, copyOf(value));
  }

  #addItems(list: OwnList, next: readonly JsonValue[]): void {
    const positions = this.#positionsIn(list);
    for (const item of next) {
      const index = indexOf(item);
      const at = index === null ? undefined : positions.get(index);
      if (at !== undefined) {
        this.#addTo(list[at] as OwnObject, item as JsonObject);
        continue;
      }
      if (index !== null) positions.set(index, list.length);
      list.push(copyOf(item));
    }
  }

  #positionsIn(list: OwnList): Map<JsonValue, number> {
    const known = this.#positions.get(list);
    if (known !== undefined) return known;
    const positions = new Map<JsonValue, number>();
    for (const [at, item] of list.entries()) {
      const index = indexOf(item);
      if (index !== null && !positions.has(index)) positions.set(index, at);
    }
    this.#positions.set(list, positions);
    return positions;
  }
}

/** The same value in objects and lists of its own. */
function copyOf(value: JsonValue): JsonValue {
  if (isList(value)) return value.map(copyOf);
  if (!isObject(value)) return value;
  const copy: OwnObject = {};
  for (const [key, inner] of Object.entries(value)) define(copy, key, copyOf(inner));
  return copy;
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
function define(target: OwnObject, key: string, value: JsonValue): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}
