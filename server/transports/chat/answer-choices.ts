import { FINISH_REASON, itemsOf } from '../../domains/providers/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';

/** What one of several answers says, in a piece of it or as a whole. */
export interface AnswerChoice {
  readonly index: number;
  readonly delta: JsonObject;
  readonly logprobs: JsonValue;
  /** Null: it has not ended, or ended as the first one. */
  readonly finishReason: string | null;
}

/** A delta, or all of them put together, by the answers that it is of; see `ComputeDelta.fields`. */
export function choicesOf(fields: JsonObject): AnswerChoice[] {
  const others = itemsOf(fields).map((item) => ({
    ...choiceOf(Number(item.index), isObject(item.delta) ? item.delta : {}),
    finishReason: finishReasonOf(item.finish_reason),
  }));
  const { choices, ...first } = fields;
  if (choices !== undefined && Object.keys(first).length === 0) return others;
  return [choiceOf(0, first), ...others];
}

function choiceOf(index: number, { logprobs = null, ...delta }: JsonObject): AnswerChoice {
  return { index, delta, logprobs, finishReason: null };
}

function finishReasonOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && FINISH_REASON.test(value) ? value : null;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
