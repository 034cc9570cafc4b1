import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';

/**
 * Gives every tool call of an answer what its pieces are put together by, and what it is answered by: endpoints that send whole
 * calls, or don't stream, leave out the `index`, some the `id`. What was said of a call before is not said again: clients join it.
 */
export class ToolCalls {
  readonly #idPrefix: string;
  readonly #byIndex = new Map<number, { readonly name: string }>();
  readonly #indexes = new Map<string, number>();
  #last = -1;

  /** `idPrefix`: of the ids of calls that have none; no other answer has it. */
  constructor(idPrefix: string) {
    this.#idPrefix = idPrefix;
  }

  /** The delta with its tool calls completed. */
  complete(fields: JsonObject): JsonObject {
    const { tool_calls: calls } = fields;
    if (!isList(calls)) return fields;
    return { ...fields, tool_calls: calls.map((call) => this.#completeCall(call)) };
  }

  #completeCall(call: JsonValue): JsonValue {
    if (!isObject(call)) return call;
    const { id, type, function: called, index: _, ...others } = call;
    const index = this.#indexOf(call);
    this.#last = Math.max(this.#last, index);
    const known = this.#byIndex.get(index);
    const given = isObject(called) ? called : {};
    const name = typeof given.name === 'string' ? given.name : '';
    if (known === undefined) {
      const newId = typeof id === 'string' && id !== '' ? id : `${this.#idPrefix}${index}`;
      this.#byIndex.set(index, { name });
      this.#indexes.set(newId, index);
      return {
        ...others,
        index,
        id: newId,
        type: type ?? 'function',
        function: { arguments: '', ...plainFunction(given, null) },
      };
    }
    if (known.name === '' && name !== '') this.#byIndex.set(index, { name });
    return { ...others, index, function: plainFunction(given, known.name) };
  }

  /** A call with a new id, or without one but with a name, is a new call; else it goes on with the last. */
  #indexOf({ index, id, function: called }: JsonObject): number {
    if (index != null && index !== '' && Number.isInteger(Number(index))) return Number(index);
    if (typeof id === 'string' && id !== '') return this.#indexes.get(id) ?? this.#last + 1;
    const isNamed = isObject(called) && typeof called.name === 'string' && called.name !== '';
    return isNamed ? this.#last + 1 : Math.max(0, this.#last);
  }
}

/** Name and arguments as text, without a name that is known. */
function plainFunction(
  { name, arguments: given, ...others }: JsonObject,
  knownName: string | null,
): JsonObject {
  return {
    ...others,
    ...(typeof name === 'string' && name !== knownName ? { name } : {}),
    ...(given == null ? {} : { arguments: typeof given === 'string' ? given : JSON.stringify(given) }),
  };
}
