import { EndpointError } from './endpoint-error.ts';
import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';
import { ToolCalls } from './tool-calls.ts';
import { WholeCharacters } from './whole-characters.ts';

/** Puts right what comes in pieces, each of several answers by itself, and leaves out answers that nobody asked for. */
export class AnswerChoices {
  readonly #wanted: number;
  readonly #answerId: string;
  #hasSaid = false;
  #hasLeftOut = false;
  readonly #byIndex = new Map<number, { readonly characters: WholeCharacters; readonly calls: ToolCalls }>();

  /** `answerId`: in the ids of calls of tools that have none. */
  constructor(wanted: number, answerId: string) {
    this.#wanted = wanted;
    this.#answerId = answerId;
  }

  /** The delta with whole characters, and complete calls of tools. */
  push({ choices, ...first }: JsonObject): JsonObject {
    const given = isList(choices) ? choices.filter(isObject) : [];
    const others = given.filter((one) => this.#isWanted(one.index));
    this.#hasLeftOut ||= others.length < given.length;
    this.#hasSaid ||= others.length > 0 || Object.keys(first).length > 0;
    const said = this.#pushTo(0, first);
    if (others.length === 0) return said;
    return { ...said, choices: others.map((one) => ({ ...one, delta: this.#pushOther(one) })) };
  }

  /** What was held back of each. Throws `EndpointError` where nothing is left of what the endpoint said. */
  end(): JsonObject {
    if (this.#hasLeftOut && !this.#hasSaid)
      throw new EndpointError('malformed', 'the endpoint gave answers that nobody asked for, and no other');
    const first = this.#byIndex.get(0)?.characters.end() ?? {};
    const others = [...this.#byIndex]
      .filter(([index]) => index > 0)
      .map(([index, { characters }]) => ({ index, delta: characters.end() }))
      .filter(({ delta }) => Object.keys(delta).length > 0);
    return others.length === 0 ? first : { ...first, choices: others };
  }

  #isWanted(index: JsonValue | undefined): boolean {
    return typeof index === 'number' && index < this.#wanted;
  }

  #pushOther({ index, delta }: JsonObject): JsonObject {
    return isObject(delta) ? this.#pushTo(Number(index), delta) : {};
  }

  #pushTo(index: number, delta: JsonObject): JsonObject {
    const known = this.#byIndex.get(index) ?? {
      characters: new WholeCharacters(),
      calls: new ToolCalls(`call_${this.#answerId}_${index}_`),
    };
    this.#byIndex.set(index, known);
    return known.characters.push(known.calls.complete(delta));
  }
}
