import type { ComputeEvent } from '../../domains/requests/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { moneyToJson } from '../../kernel/money.ts';
import { type CompletionFrame, failureOf } from '../chat/completion.ts';
import { serverSentEvent } from '../chat/server-sent-events.ts';
import { openAiError } from './errors.ts';

type EndEvent = Extract<ComputeEvent, { kind: 'end' }>;

/** A whole answer, of all its deltas put together: https://platform.openai.com/docs/api-reference/chat/object. */
export function completionObject(frame: CompletionFrame, fields: JsonObject, end: EndEvent): object {
  const { tool_calls: calls } = fields;
  const content = calls === undefined ? '' : null;
  const made = calls === undefined ? {} : { tool_calls: wholeCalls(calls) };
  return {
    ...envelope(frame, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { content, refusal: null, ...fields, ...made, role: 'assistant' },
        logprobs: null,
        finish_reason: end.finishReason,
      },
    ],
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
  includeUsage: boolean,
): AsyncGenerator<string> {
  const common = { ...envelope(frame, 'chat.completion.chunk'), ...(includeUsage ? { usage: null } : {}) };
  const chunk = (delta: object, finishReason: string | null) =>
    serverSentEvent({
      ...common,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    });
  yield chunk({ role: 'assistant', content: '', refusal: null }, null);
  for await (const event of frame.answer.events) {
    if (event.kind === 'delta') {
      yield chunk(event.fields, null);
    } else if (event.kind === 'failed') {
      yield serverSentEvent({ error: openAiError(failureOf(frame, event)) });
    } else {
      yield chunk({}, event.finishReason);
      if (includeUsage) yield serverSentEvent({ ...common, choices: [], usage: usageOf(event) });
    }
  }
  yield 'data: [DONE]\n\n';
}

function envelope({ answer }: CompletionFrame, object: string): object {
  return {
    id: `chatcmpl-${answer.transactionId}`,
    object,
    created: Math.floor(answer.createdAtMs / 1000),
    model: answer.model,
  };
}

function usageOf(end: EndEvent): object {
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
