import { reasoningText, textIn } from '../../domains/providers/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { CompletionFrame } from './completion.ts';

/** All that parts are told of the answer that they are of. */
export interface NamedAnswer {
  readonly answer: Pick<CompletionFrame['answer'], 'transactionId'>;
}

/** What one part of an answer is. */
export type Part =
  | { readonly kind: 'thinking' | 'text' | 'refusal' }
  | { readonly kind: 'call'; readonly callId: string; readonly name: string };

/** A part begins, goes on, or is whole. `index`: which of the answer's parts it is. */
export type PartEvent =
  | { readonly kind: 'begun'; readonly index: number; readonly part: Part }
  | { readonly kind: 'piece'; readonly index: number; readonly part: Part; readonly text: string }
  | { readonly kind: 'ended'; readonly index: number; readonly part: Part; readonly text: string };

/** A call of a tool, or a piece of one. */
interface CallPiece {
  /** Which of the answer's calls it is, where it says so. */
  readonly index: number | null;
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/**
 * The deltas of one answer as parts that follow each other, one open at a time: thinking, text, calls of tools, in the
 * order in which they begin. For APIs that have such parts, where a chat completion has fields side by side. Of calls
 * whose pieces come mixed, the others wait until the answer is over.
 */
export class AnswerParts {
  readonly #frame: NamedAnswer;
  #open: { readonly key: string; readonly part: Part; readonly end: ObjectEnd; text: string } | null = null;
  #index = -1;
  #lastCall = -1;
  /** Calls that have no part yet: their name has not come, or another call is not whole. */
  readonly #waiting = new Map<number, CallPiece>();
  /** Calls that have a part, or had one. */
  readonly #begun = new Set<number>();

  constructor(frame: NamedAnswer) {
    this.#frame = frame;
  }

  /** What the next delta means. Throws `provider_answer_malformed` where a call goes on after the text that followed it. */
  *take(fields: JsonObject): Generator<PartEvent> {
    yield* this.#say('thinking', reasoningText(fields));
    yield* this.#say('text', textIn(fields.content));
    yield* this.#say('refusal', textIn(fields.refusal));
    for (const piece of callPieces(fields)) yield* this.#call(piece);
  }

  /** The answer is over. */
  *close(): Generator<PartEvent> {
    yield* this.#endPart();
    const waiting = [...this.#waiting].sort(([one], [other]) => one - other);
    this.#waiting.clear();
    for (const [number, call] of waiting) yield* this.#beginCall(number, call);
    yield* this.#endPart();
  }

  *#endPart(): Generator<PartEvent> {
    const open = this.#open;
    this.#open = null;
    if (open !== null) yield { kind: 'ended', index: this.#index, part: open.part, text: open.text };
  }

  *#say(kind: 'thinking' | 'text' | 'refusal', text: string): Generator<PartEvent> {
    if (text === '') return;
    if (this.#open?.key !== kind) yield* this.#begin(kind, { kind });
    yield* this.#goOn(text);
  }

  *#call(piece: CallPiece): Generator<PartEvent> {
    const number = this.#numberOf(piece);
    this.#lastCall = Math.max(this.#lastCall, number);
    const open = this.#open;
    if (open?.key === keyOf(number)) {
      yield* this.#goOn(piece.arguments);
      return;
    }
    if (this.#begun.has(number)) {
      // Some end a call with a piece that adds nothing.
      if (piece.arguments !== '') throw this.#mixed();
      return;
    }
    const call = joined(this.#waiting.get(number), piece);
    const mayBegin = call.name !== '' && (open?.part.kind !== 'call' || open.end.isReached);
    this.#waiting.set(number, call);
    if (!mayBegin) return;
    this.#waiting.delete(number);
    yield* this.#beginCall(number, call);
  }

  /** Where a piece doesn't say which call it is of, a name or an id begins the next. */
  #numberOf({ index, id, name }: CallPiece): number {
    if (index !== null) return index;
    return id !== '' || name !== '' ? this.#lastCall + 1 : Math.max(0, this.#lastCall);
  }

  *#beginCall(number: number, { id, name, arguments: given }: CallPiece): Generator<PartEvent> {
    this.#begun.add(number);
    const callId = id === '' ? `call_${this.#frame.answer.transactionId}_${number}` : id;
    yield* this.#begin(keyOf(number), { kind: 'call', callId, name });
    yield* this.#goOn(given);
  }

  *#begin(key: string, part: Part): Generator<PartEvent> {
    yield* this.#endPart();
    this.#open = { key, part, end: new ObjectEnd(), text: '' };
    this.#index++;
    yield { kind: 'begun', index: this.#index, part };
  }

  *#goOn(text: string): Generator<PartEvent> {
    if (this.#open === null || text === '') return;
    this.#open.text += text;
    if (this.#open.part.kind === 'call') this.#open.end.add(text);
    yield { kind: 'piece', index: this.#index, part: this.#open.part, text };
  }

  #mixed(): AppError {
    const { transactionId } = this.#frame.answer;
    return new AppError(
      'unavailable',
      'provider_answer_malformed',
      'The answer mixes the calls of several tools.',
      { details: { transactionId } },
    );
  }
}

/** The parts of a whole answer, of all its deltas put together. */
export function partsOf(
  frame: NamedAnswer,
  fields: JsonObject,
): { readonly index: number; readonly part: Part; readonly text: string }[] {
  const parts = new AnswerParts(frame);
  return [...parts.take(fields), ...parts.close()].filter((event) => event.kind === 'ended');
}

function callPieces({ tool_calls: calls }: JsonObject): readonly CallPiece[] {
  if (!Array.isArray(calls)) return [];
  return calls.filter(isObject).map((call) => {
    const called = isObject(call.function) ? call.function : {};
    return {
      index: typeof call.index === 'number' ? call.index : null,
      id: textIn(call.id),
      name: textIn(called.name),
      arguments: textIn(called.arguments),
    };
  });
}

function keyOf(call: number): string {
  return `call ${call}`;
}

/** Tells when an object that comes in pieces has come to its end. Each piece takes time for its own size. */
class ObjectEnd {
  #levels = 0;
  #isText = false;
  #isEscaped = false;
  #isReached = false;

  get isReached(): boolean {
    return this.#isReached;
  }

  add(text: string): void {
    for (const character of text) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === '"') this.#isText = !this.#isText;
      else if (this.#isText) this.#isEscaped = character === '\\';
      else if (character === '{') this.#levels++;
      else if (character === '}') this.#isReached = --this.#levels === 0;
    }
  }
}

function joined(before: CallPiece | undefined, piece: CallPiece): CallPiece {
  if (before === undefined) return piece;
  return {
    index: piece.index,
    // Some repeat it with each piece.
    id: before.id === '' ? piece.id : before.id,
    name: before.name + piece.name,
    arguments: before.arguments + piece.arguments,
  };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
