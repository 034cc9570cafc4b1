import type { JsonObject, JsonValue } from '../../kernel/json.ts';

/** Fields of a delta that say what a model thought before it answered. */
const REASONING: ReadonlySet<string> = new Set(['reasoning_content', 'reasoning']);

/**
 * The content of an answer so far, as the beginning that another provider could go on with. There is one only of an answer of
 * plain content, with reasoning in front of it or without: what a call of a tool should become nobody else can tell.
 */
export class AnswerBeginning {
  readonly #contents: string[] = [];
  #isPlain = true;

  /** The answer grows by a delta. */
  add(fields: JsonObject): void {
    for (const [name, value] of Object.entries(fields)) {
      if (name === 'role' || name === 'logprobs' || saysNothing(value)) continue;
      if (name === 'content' && typeof value === 'string') this.#contents.push(value);
      else if (!REASONING.has(name) || this.#contents.length > 0) this.#isPlain = false;
    }
  }

  /** Null: there is none. */
  get text(): string | null {
    return this.#isPlain && this.#contents.length > 0 ? this.#contents.join('') : null;
  }
}

function saysNothing(value: JsonValue): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
