import { EndpointError } from './endpoint-error.ts';
import { isList, isObject, type JsonObject, type JsonValue, parseJson } from './json.ts';
import { DELTA_LEVELS_MAX, FINISH_REASON_CHARACTERS_MAX, NOT_IN_FINISH_REASON } from './limits.ts';

/** What an endpoint counted. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
}

/** A piece of an answer. One that says nothing is a sign of life. */
export interface CompletionChunk {
  /** `choices[0].delta`, without what says nothing. */
  readonly fields: JsonObject;
  readonly finishReason: string | null;
  readonly usage: TokenUsage | null;
}

/** The endpoint sent something that isn't the answer yet. */
export const SIGN_OF_LIFE: CompletionChunk = { fields: {}, finishReason: null, usage: null };

/** The data of one event. Throws `EndpointError` for what is no chunk, and for an error inside the stream. */
export function parseCompletionChunk(data: string): CompletionChunk {
  return readCompletion(data, 'delta');
}

/** An answer in one piece, from endpoints that don't stream. Throws `EndpointError` as `parseCompletionChunk` does. */
export function parseCompletion(body: string): CompletionChunk {
  const completion = readCompletion(body, 'message');
  // It is whole, whatever it calls its end.
  return { ...completion, finishReason: completion.finishReason ?? 'stop' };
}

function readCompletion(text: string, part: 'delta' | 'message'): CompletionChunk {
  const json = parseJson(text);
  if (json === undefined) throw malformed('the endpoint sent something that is not JSON');
  if (!isObject(json)) throw malformed('the endpoint sent something that is not a completion');
  if (isObject(json.error) || (typeof json.error === 'string' && json.error !== '')) {
    throw new EndpointError('provider', 'the endpoint reported an error in its answer');
  }
  const { choices, usage } = json;
  if (choices != null && !isList(choices))
    throw malformed('the endpoint sent something that is not a completion');
  const choice = choices?.find((one) => isObject(one) && (one.index ?? 0) === 0);
  if (part === 'message' && !isObject(choice)) throw malformed('the endpoint sent no choice');
  const fields = isObject(choice) ? choice[part] : undefined;
  if (isDeeperThan(fields, DELTA_LEVELS_MAX))
    throw malformed('the endpoint sent something nested without end');
  return {
    fields: isObject(fields) ? plainDelta(fields) : {},
    finishReason: isObject(choice) ? finishReasonOf(choice.finish_reason) : null,
    usage: usageOf(usage),
  };
}

/** A delta without its role, without what says nothing, and with its content as text. */
function plainDelta({ role: _, content, ...others }: JsonObject): JsonObject {
  const text = isList(content) ? partsOf(content, 'text') : content;
  const thought = isList(content) ? partsOf(content, 'thinking') : '';
  const fields = {
    ...(thought === '' ? {} : { reasoning_content: thought }),
    ...others,
    content: text ?? null,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !saysNothing(value)));
}

function isDeeperThan(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: JsonValue) => isDeeperThan(inner, levels - 1));
}

/** The text of all parts of a content that are of this type. */
function partsOf(content: readonly JsonValue[], type: 'text' | 'thinking'): string {
  return content
    .map((part) => {
      if (typeof part === 'string') return type === 'text' ? part : '';
      if (!isObject(part) || (part.type ?? 'text') !== type) return '';
      const inner = part[type];
      if (typeof inner === 'string') return inner;
      return isList(inner) ? partsOf(inner, 'text') : '';
    })
    .join('');
}

function saysNothing(value: JsonValue): boolean {
  return value === null || value === '' || (isList(value) && value.length === 0);
}

/** Some endpoints write that there is no reason yet as text. */
function finishReasonOf(value: JsonValue | undefined): string | null {
  if (typeof value !== 'string' || value === '' || value === 'null') return null;
  const reason = value.slice(0, FINISH_REASON_CHARACTERS_MAX).replace(NOT_IN_FINISH_REASON, ' ').trim();
  return reason === '' ? null : reason;
}

/** Null unless both counts are there: the server has its own. */
function usageOf(usage: JsonValue | undefined): TokenUsage | null {
  if (!isObject(usage)) return null;
  const promptTokens = countIn(usage, 'prompt_tokens');
  const completionTokens = countIn(usage, 'completion_tokens');
  if (promptTokens === null || completionTokens === null) return null;
  const cached = countIn(usage.prompt_tokens_details, 'cached_tokens') ?? 0;
  const reasoning = countIn(usage.completion_tokens_details, 'reasoning_tokens') ?? 0;
  return {
    promptTokens,
    completionTokens,
    cachedPromptTokens: Math.min(cached, promptTokens),
    reasoningTokens: Math.min(reasoning, completionTokens),
  };
}

/** A count that a 32-bit field holds; null for anything else. */
function countIn(counts: JsonValue | undefined, name: string): number | null {
  const count = isObject(counts) ? counts[name] : undefined;
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 2 ** 31 ? count : null;
}

function malformed(message: string): EndpointError {
  return new EndpointError('malformed', message);
}
