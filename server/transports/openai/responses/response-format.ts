import type { ComputeEvent } from '../../../domains/requests/index.ts';
import type { AppError } from '../../../kernel/errors.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import type { Part } from '../../chat/answer-parts.ts';
import type { CompletionFrame } from '../../chat/completion.ts';
import type { ResponseRequest } from './request-schema.ts';

type EndEvent = Extract<ComputeEvent, { kind: 'end' }>;

/** What names a response and its items. */
export interface ResponseFrame {
  readonly answer: Pick<CompletionFrame['answer'], 'transactionId' | 'createdAtMs' | 'model'>;
}

/** A part of the answer with its place and text, as far as it has come. */
export interface PartSoFar {
  readonly index: number;
  readonly part: Part;
  readonly text: string;
}

/** A response at work: https://platform.openai.com/docs/api-reference/responses/object. */
export function responseInProgress(
  frame: ResponseFrame,
  asked: ResponseRequest,
  status: 'in_progress' | 'queued' = 'in_progress',
): object {
  return responseObject(frame, asked, { status, output: [], usage: null });
}

/** A response that has ended. One that was cut is incomplete, and says why. */
export function endedResponse(
  frame: ResponseFrame,
  asked: ResponseRequest,
  parts: readonly PartSoFar[],
  end: EndEvent,
): { readonly status: 'completed' | 'incomplete'; readonly response: object } {
  const reason = INCOMPLETE_REASONS.get(end.finishReason) ?? null;
  const status = reason === null ? 'completed' : 'incomplete';
  const output = parts.map((part) => itemOf(frame, part, status));
  const incomplete_details = reason === null ? null : { reason };
  return {
    status,
    response: responseObject(frame, asked, { status, output, incomplete_details, usage: usageOf(end) }),
  };
}

/** A response that failed on the way, or was cancelled. */
export function failedResponse(
  frame: ResponseFrame,
  asked: ResponseRequest,
  { code, publicMessage: message }: AppError,
): object {
  const isCancelled = code === 'request_cancelled';
  return responseObject(frame, asked, {
    status: isCancelled ? 'cancelled' : 'failed',
    output: [],
    error: isCancelled ? null : { code, message },
    usage: null,
  });
}

const INCOMPLETE_REASONS: ReadonlyMap<string, string> = new Map([
  ['length', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
]);

/** An item of the output. */
export function itemOf(frame: ResponseFrame, { index, part, text }: PartSoFar, status: string): object {
  const id = itemId(frame, index, part);
  switch (part.kind) {
    case 'thinking':
      return { type: 'reasoning', id, summary: [], content: contentOf(part, text), status };
    case 'call':
      return { type: 'function_call', id, call_id: part.callId, name: part.name, arguments: text, status };
    default:
      return { type: 'message', id, status, role: 'assistant', content: contentOf(part, text) };
  }
}

/** An item of the output as it begins. */
export function begunItem(frame: ResponseFrame, index: number, part: Part): object {
  const item = itemOf(frame, { index, part, text: '' }, 'in_progress');
  return part.kind === 'call' ? item : { ...item, content: [] };
}

/** What an item is called among those of its response. */
export function itemId({ answer }: ResponseFrame, index: number, { kind }: Part): string {
  const prefix = kind === 'thinking' ? 'rs' : kind === 'call' ? 'fc' : 'msg';
  return `${prefix}_${answer.transactionId}_${index}`;
}

/** The one piece of content that an item has. */
export function contentPart({ kind }: Part, text: string): object {
  if (kind === 'thinking') return { type: 'reasoning_text', text };
  if (kind === 'refusal') return { type: 'refusal', refusal: text };
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function contentOf(part: Part, text: string): object[] {
  return [contentPart(part, text)];
}

function responseObject(frame: ResponseFrame, asked: ResponseRequest, state: object): object {
  return {
    id: `resp_${frame.answer.transactionId}`,
    object: 'response',
    created_at: Math.floor(frame.answer.createdAtMs / 1000),
    model: frame.answer.model,
    background: asked.background ?? false,
    error: null,
    incomplete_details: null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: asked.metadata ?? {},
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    previous_response_id: asked.previous_response_id ?? null,
    reasoning: { effort: asked.reasoning?.effort ?? null, summary: null },
    service_tier: 'default',
    store: asked.store ?? true,
    temperature: asked.temperature ?? null,
    text: { format: asked.text?.format ?? { type: 'text' } },
    tool_choice: asked.tool_choice ?? 'auto',
    tools: asked.tools ?? [],
    top_logprobs: 0,
    top_p: asked.top_p ?? null,
    truncation: 'disabled',
    user: null,
    ...state,
  };
}

function usageOf(end: EndEvent): object {
  return {
    input_tokens: end.promptTokens,
    input_tokens_details: { cached_tokens: end.cachedPromptTokens },
    output_tokens: end.completionTokens,
    output_tokens_details: { reasoning_tokens: end.reasoningTokens },
    total_tokens: end.promptTokens + end.completionTokens,
    cost: moneyToJson(end.costMicrocents),
  };
}
