import type { ComputeEvent } from '../../domains/requests/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { moneyToJson } from '../../kernel/money.ts';
import { type AnswerChoice, choicesOf } from '../chat/answer-choices.ts';
import { type CompletionFrame, failureOf } from '../chat/completion.ts';
import { inOlderForm, olderFinishReason } from '../chat/older-functions.ts';
import { serverSentEvent } from '../chat/server-sent-events.ts';
import { openAiError } from './errors.ts';

type EndEvent = Extract<ComputeEvent, { kind: 'end' }>;

/** In which form an answer is wanted. */
export interface CompletionForm {
  /** How many answers. */
  readonly choices: number;
  /** A stream tells at its end what it cost. */
  readonly includeUsage: boolean;
  /** Calls as whoever knows no tools reads them. */
  readonly usesFunctions: boolean;
}

/** A whole answer, of all its deltas put together: https://platform.openai.com/docs/api-reference/chat/object. */
export function completionObject(
  frame: CompletionFrame,
  fields: JsonObject,
  end: EndEvent,
  { choices, usesFunctions }: Omit<CompletionForm, 'includeUsage'>,
): object {
  const known = new Map(choicesOf(fields).map((choice) => [choice.index, choice]));
  const all = Array.from({ length: choices }, (_, index) => known.get(index) ?? { ...NOTHING_SAID, index });
  return {
    ...envelope(frame, 'chat.completion'),
    choices: all.map(({ index, delta, logprobs, finishReason }) => {
      const { tool_calls: calls } = delta;
      const content = calls === undefined ? '' : null;
      const made = calls === undefined ? {} : { tool_calls: wholeCalls(calls) };
      const message = { content, refusal: null, ...delta, ...made, role: 'assistant' };
      const reason = finishReason ?? end.finishReason;
      if (!usesFunctions) return { index, message, logprobs, finish_reason: reason };
      return { index, message: inOlderForm(message), logprobs, finish_reason: olderFinishReason(reason) };
    }),
    usage: usageOf(end),
  };
}

/**
 * Server-sent events as OpenAI sends them: the role, the deltas as they come, the reason of the end, with `includeUsage` the
 * tokens, and `[DONE]`. An answer that fails on the way ends with an `error` object, which OpenAI's clients throw. It is an
 * event of its own: the Vercel AI SDK looks for an error only where there are no choices.
 */
export async function* completionEvents(
  frame: CompletionFrame,
  { includeUsage, choices, usesFunctions }: CompletionForm,
): AsyncGenerator<string> {
  const common = { ...envelope(frame, 'chat.completion.chunk'), ...(includeUsage ? { usage: null } : {}) };
  const chunk = (
    { index, delta, logprobs }: Omit<AnswerChoice, 'finishReason'>,
    finishReason: string | null,
  ) => {
    const said = usesFunctions
      ? { delta: inOlderForm(delta), finish_reason: olderFinishReason(finishReason) }
      : { delta, finish_reason: finishReason };
    return serverSentEvent({ ...common, choices: [{ index, logprobs, ...said }] });
  };
  const open = new Set(Array.from({ length: choices }, (_, index) => index));
  const beginning = { role: 'assistant', content: '', refusal: null };
  for (const index of open) yield chunk({ index, delta: beginning, logprobs: null }, null);
  for await (const event of frame.answer.events) {
    if (event.kind === 'delta') {
      for (const choice of choicesOf(event.fields)) {
        if (choice.finishReason !== null) open.delete(choice.index);
        yield chunk(choice, choice.finishReason);
      }
    } else if (event.kind === 'failed') {
      yield serverSentEvent({ error: openAiError(failureOf(frame, event)) });
    } else {
      for (const index of open) yield chunk({ ...NOTHING_SAID, index }, event.finishReason);
      if (includeUsage) yield serverSentEvent({ ...common, choices: [], usage: usageOf(event) });
    }
  }
  yield 'data: [DONE]\n\n';
}

const NOTHING_SAID: Omit<AnswerChoice, 'index'> = { delta: {}, logprobs: null, finishReason: null };

function envelope({ answer }: CompletionFrame, object: string): object {
  return {
    id: `chatcmpl-${answer.transactionId}`,
    object,
    created: Math.floor(answer.createdAtMs / 1000),
    model: answer.model,
  };
}

/** What an answer cost, as OpenAI says it. */
export function usageOf(end: EndEvent): object {
  return {
    prompt_tokens: end.promptTokens,
    completion_tokens: end.completionTokens,
    total_tokens: end.promptTokens + end.completionTokens,
    prompt_tokens_details: { cached_tokens: end.cachedPromptTokens },
    completion_tokens_details: { reasoning_tokens: end.reasoningTokens },
    cost: moneyToJson(end.costMicrocents),
  };
}

/** A delta's calls as a whole answer has them: their index only served to put them together. */
function wholeCalls(calls: JsonValue): JsonValue {
  if (!Array.isArray(calls)) return calls;
  return calls.map((call: JsonValue) => {
    if (typeof call !== 'object' || call === null || Array.isArray(call)) return call;
    const { index: _, ...whole } = call as JsonObject;
    return whole;
  });
}
