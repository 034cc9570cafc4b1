import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';
import { ToolCallIndexes } from './tool-call-indexes.ts';
import { WholeCharacters } from './whole-characters.ts';

/** Puts right what comes in pieces, each of several answers by itself, and leaves out answers that nobody asked for. */
export class AnswerChoices {
  readonly #wanted: number;
  readonly #byIndex = new Map<
    number,
    { readonly characters: WholeCharacters; readonly calls: ToolCallIndexes }
  >();

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** The delta with whole characters, and an index at each call of a tool. */
  push({ choices, ...first }: JsonObject): JsonObject {
    const others = isList(choices) ? choices.filter(isObject).filter((one) => this.#isWanted(one.index)) : [];
    const said = this.#pushTo(0, first);
    if (others.length === 0) return said;
    return { ...said, choices: others.map((one) => ({ ...one, delta: this.#pushOther(one) })) };
  }

  /** What was held back of each. */
  end(): JsonObject {
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
      calls: new ToolCallIndexes(),
    };
    this.#byIndex.set(index, known);
    return known.characters.push(known.calls.complete(delta));
  }
}
