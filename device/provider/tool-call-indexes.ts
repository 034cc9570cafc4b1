import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';

/**
 * Gives every tool call of an answer the `index` that its pieces are put together by: endpoints that send whole calls, or
 * don't stream, leave it out.
 */
export class ToolCallIndexes {
  readonly #byId = new Map<string, number>();
  #last = -1;

  /** The delta with an index at each of its tool calls. */
  complete(fields: JsonObject): JsonObject {
    const { tool_calls: calls } = fields;
    if (!isList(calls)) return fields;
    return { ...fields, tool_calls: calls.map((call) => this.#completeCall(call)) };
  }

  #completeCall(call: JsonValue): JsonValue {
    if (!isObject(call)) return call;
    const index = typeof call.index === 'number' ? call.index : this.#indexOf(call.id);
    this.#last = Math.max(this.#last, index);
    if (typeof call.id === 'string') this.#byId.set(call.id, index);
    return { ...call, index };
  }

  /** A call with a new id is a new call; one without an id goes on with the last. */
  #indexOf(id: JsonValue | undefined): number {
    if (typeof id !== 'string' || id === '') return Math.max(0, this.#last);
    return this.#byId.get(id) ?? this.#last + 1;
  }
}
