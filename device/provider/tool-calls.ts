import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';

/**
 * Gives every tool call of an answer what its pieces are put together by, and what it is answered by: endpoints that send whole
 * calls, or don't stream, leave out the `index`, some the `id`. What was said of a call before is not said again: clients join it.
 */
export class ToolCalls {
  readonly #idPrefix: string;
  readonly #byIndex = new Map<number, { readonly id: string; readonly name: string }>();
  readonly #indexes = new Map<string, number>();
  /** Where the last of several calls of one index went. */
  readonly #moved = new Map<number, number>();
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
      this.#byIndex.set(index, { id: newId, name });
      this.#indexes.set(newId, index);
      return {
        ...others,
        index,
        id: newId,
        type: type ?? 'function',
        function: { arguments: '', ...plainFunction(given, null) },
      };
    }
    if (known.name === '' && name !== '') this.#byIndex.set(index, { ...known, name });
    return { ...others, index, function: plainFunction(given, known.name) };
  }

  /**
   * A call with a new id, or without one but with a name, is a new call; else it goes on with the last. An index counts where it is one,
   * and where no call with another id and name has it: Google's calls have all the first, vLLM's pieces had each an id of its own.
   */
  #indexOf({ index: given, id, function: called }: JsonObject): number {
    const isNamed = isObject(called) && typeof called.name === 'string' && called.name !== '';
    const givenId = typeof id === 'string' ? id : '';
    const next = this.#last + 1;
    const index = given == null || given === '' ? Number.NaN : Number(given);
    if (!Number.isSafeInteger(index) || index < 0) {
      if (givenId !== '') return this.#indexes.get(givenId) ?? next;
      return isNamed ? next : Math.max(0, this.#last);
    }
    const known = this.#byIndex.get(index);
    if (known === undefined || known.id === givenId) return index;
    if (givenId === '' || !isNamed) return this.#moved.get(index) ?? index;
    const moved = this.#indexes.get(givenId) ?? next;
    this.#moved.set(index, moved);
    return moved;
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
