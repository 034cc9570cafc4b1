import { EndpointError } from './endpoint-error.ts';
import type { JsonValue } from './json.ts';
import { FINISH_REASON_CHARACTERS_MAX, NOT_IN_FINISH_REASON } from './limits.ts';

/** OpenAI's names of what others call otherwise: Anthropic, Cohere, Google, Ollama, TGI. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['eos_token', 'stop'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['complete', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['max_length', 'length'],
  ['content_filter', 'content_filter'],
  ['safety', 'content_filter'],
  ['tool_calls', 'tool_calls'],
  ['tool_call', 'tool_calls'],
  ['tool_use', 'tool_calls'],
  ['function_call', 'tool_calls'],
]);

/** Reasons for which an answer was given up: OpenRouter, vLLM, SGLang, DeepSeek, Zhipu. What came of it is not whole. */
const GIVEN_UP: ReadonlySet<string> = new Set([
  'error',
  'abort',
  'aborted',
  'cancelled',
  'canceled',
  'timeout',
  'failed',
  'network_error',
  'server_error',
  'insufficient_system_resource',
]);

/**
 * Why an answer ended, as OpenAI calls it, or as the endpoint does; null: it has not. Some endpoints write that there is no reason yet as
 * text. Throws `EndpointError` for an answer that was given up.
 */
export function readFinishReason(value: JsonValue | undefined): string | null {
  if (typeof value !== 'string' || value === '' || value === 'null') return null;
  const reason = value.slice(0, FINISH_REASON_CHARACTERS_MAX).replace(NOT_IN_FINISH_REASON, ' ').trim();
  if (reason === '') return null;
  const name = reason.toLowerCase();
  if (GIVEN_UP.has(name)) throw new EndpointError('provider', `the endpoint gave its answer up (${name})`);
  return NAMES.get(name) ?? reason;
}
