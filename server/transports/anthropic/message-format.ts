import type { ComputeEvent } from '../../domains/requests/index.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { moneyToJson } from '../../kernel/money.ts';
import { type Part, partsOf } from '../chat/answer-parts.ts';
import type { CompletionFrame } from '../chat/completion.ts';

type EndEvent = Extract<ComputeEvent, { kind: 'end' }>;

/** A whole answer, of all its deltas put together: https://docs.claude.com/en/api/messages. */
export function messageObject(frame: CompletionFrame, fields: JsonObject, end: EndEvent): object {
  const parts = partsOf(frame, fields);
  return {
    ...messageEnvelope(frame),
    content: parts.map(({ part, text }) => block(part, text)),
    stop_reason: stopReasonOf(
      end,
      parts.some(({ part }) => part.kind === 'call'),
    ),
    usage: endUsage(end),
  };
}

/** What an answer has from its beginning. */
export function messageEnvelope({ answer, promptTokens }: CompletionFrame): object {
  return {
    id: `msg_${answer.transactionId}`,
    type: 'message',
    role: 'assistant',
    model: answer.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: usageOf({ promptTokens, cachedPromptTokens: 0, completionTokens: 0 }),
  };
}

/** A block of a message; empty as it begins. A refusal is text here. */
export function block(part: Part, text: string): object {
  switch (part.kind) {
    case 'thinking':
      return { type: 'thinking', thinking: text, signature: '' };
    case 'call':
      return { type: 'tool_use', id: part.callId, name: part.name, input: parsedArguments(text) };
    default:
      return { type: 'text', text };
  }
}

/** Tokens as Anthropic counts them: those from the cache are not among the others. */
function usageOf(end: Pick<EndEvent, 'promptTokens' | 'cachedPromptTokens' | 'completionTokens'>): object {
  return {
    input_tokens: end.promptTokens - end.cachedPromptTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: end.cachedPromptTokens,
    output_tokens: end.completionTokens,
  };
}

/** The same at the end, with what it cost. */
export function endUsage(end: EndEvent): object {
  return { ...usageOf(end), cost: moneyToJson(end.costMicrocents) };
}

/**
 * Which stop sequence it was, endpoints of OpenAI's kind don't say. Many say `stop` of an answer that calls a tool, as OpenAI does where
 * the requester named the tool; Anthropic's clients run tools only where the reason says so.
 */
export function stopReasonOf({ finishReason }: Pick<EndEvent, 'finishReason'>, isCalling: boolean): string {
  if (isCalling && finishReason === 'stop') return 'tool_use';
  return STOP_REASONS.get(finishReason) ?? finishReason;
}

const STOP_REASONS: ReadonlyMap<string, string> = new Map([
  ['stop', 'end_turn'],
  ['length', 'max_tokens'],
  ['tool_calls', 'tool_use'],
  ['function_call', 'tool_use'],
  ['content_filter', 'refusal'],
]);

/** Arguments are what a model wrote: where that is no JSON object, it is handed over as it is. */
function parsedArguments(text: string): object {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // No JSON at all.
  }
  return { arguments: text };
}
