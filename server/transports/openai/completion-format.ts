import type { ComputeAnswer, ComputeEvent } from '../../domains/requests/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { openAiError } from './errors.ts';

type EndEvent = Extract<ComputeEvent, { kind: 'end' }>;

/** What every chunk and answer of one request has in common. */
export interface CompletionFrame {
  readonly answer: ComputeAnswer;
  readonly model: string;
}

/**
 * The answer failed after it had begun. Where it could have been billed all the same, a client that repeats the request by
 * itself could pay twice: that one is no 503, and is told not to.
 */
export function failureOf(
  { answer }: CompletionFrame,
  event: Extract<ComputeEvent, { kind: 'failed' }>,
): AppError {
  const { transactionId } = answer;
  switch (event.code) {
    case 'outcome_unknown':
      return new AppError(
        'internal',
        event.code,
        'The answer is complete, but whether it was billed is not known yet. Its transaction will tell.',
        { details: { transactionId, mayRepeat: false } },
      );
    case 'request_cancelled':
      return new AppError(
        'unavailable',
        event.code,
        'The request was cancelled. What was delivered is billed.',
        {
          details: { transactionId },
        },
      );
    case 'reader_stalled':
      return new AppError(
        'unavailable',
        event.code,
        'The answer was not read. What was delivered is billed.',
        {
          details: { transactionId },
        },
      );
    default:
      return new AppError(
        'unavailable',
        event.code,
        'The answer could not be finished. Nothing was billed.',
        {
          details: { transactionId },
        },
      );
  }
}

/** A whole answer, of all its deltas put together: https://platform.openai.com/docs/api-reference/chat/object. */
export function completionObject(
  { answer, model }: CompletionFrame,
  fields: JsonObject,
  end: EndEvent,
): object {
  const { tool_calls: calls } = fields;
  const content = calls === undefined ? '' : null;
  const made = calls === undefined ? {} : { tool_calls: wholeCalls(calls) };
  return {
    ...envelope({ answer, model }, 'chat.completion'),
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
 * tokens, and `[DONE]`. An answer that fails on the way ends with `finish_reason: "error"` and an `error` object, which
 * OpenAI's clients throw.
 */
export async function* completionEvents(
  frame: CompletionFrame,
  includeUsage: boolean,
): AsyncGenerator<string> {
  const common = { ...envelope(frame, 'chat.completion.chunk'), ...(includeUsage ? { usage: null } : {}) };
  const chunk = (delta: object, finishReason: string | null, more: object = {}) =>
    serverSentEvent({
      ...common,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...more,
    });
  yield chunk({ role: 'assistant', content: '', refusal: null }, null);
  for await (const event of frame.answer.events) {
    if (event.kind === 'delta') {
      yield chunk(event.fields, null);
    } else if (event.kind === 'failed') {
      yield chunk({}, 'error', { error: openAiError(failureOf(frame, event)) });
    } else {
      yield chunk({}, event.finishReason);
      if (includeUsage) yield serverSentEvent({ ...common, choices: [], usage: usageOf(event) });
    }
  }
  yield 'data: [DONE]\n\n';
}

function envelope({ answer, model }: CompletionFrame, object: string): object {
  return {
    id: `chatcmpl-${answer.transactionId}`,
    object,
    created: Math.floor(answer.createdAtMs / 1000),
    model,
  };
}

function usageOf(end: EndEvent): object {
  return {
    prompt_tokens: end.promptTokens,
    completion_tokens: end.completionTokens,
    total_tokens: end.promptTokens + end.completionTokens,
    prompt_tokens_details: { cached_tokens: end.cachedPromptTokens },
    completion_tokens_details: { reasoning_tokens: end.reasoningTokens },
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

// JSON has no line breaks, so a value is one line of the event stream format (WHATWG HTML section 9.2.5).
function serverSentEvent(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
