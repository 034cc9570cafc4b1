import { invalidInput } from '../../kernel/errors.ts';
import { requireIdempotencyKey } from '../../kernel/idempotency-key.ts';
import { type Microcents, parsePrice } from '../../kernel/money.ts';
import type { HttpRequest } from '../../platform/http/types.ts';
import { findHalfCharacter } from '../pipeline/half-character.ts';
import { readJson } from '../pipeline/read-json.ts';
import { type ChatRequest, chatRequestSchema } from './chat-schema.ts';

/** The checked body. Refuses with `unsupported_media_type`, `malformed_json` and `invalid_input`, naming the parameter. */
export function readChatRequest(request: HttpRequest): ChatRequest {
  const body = readJson(request);
  const parsed = chatRequestSchema.safeParse(body);
  if (parsed.success) {
    const half = findHalfCharacter(body, '');
    if (half === null) return parsed.data;
    throw invalidInput(`${half}: it holds half of a character (a lone surrogate).`, { param: half });
  }
  const issue = parsed.error.issues[0];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])].join('.');
  const reason = unknownKey === undefined ? (issue?.message ?? 'it is not valid') : 'it is not supported';
  throw invalidInput(
    `${path === '' ? 'The body' : path}: ${reason}.`,
    path === '' ? undefined : { param: path },
  );
}

/** The key under which the request is carried out once; null: always. Refuses with `invalid_input`. */
export function readIdempotencyKey(request: HttpRequest): string | null {
  const header = request.header('idempotency-key');
  return header === undefined ? null : requireIdempotencyKey(header);
}

/** The most the requester wants to pay for this request; null: no limit. Refuses with `invalid_input`. */
export function readMaximumCost(request: HttpRequest): Microcents | null {
  const header = request.header('x-yggdrasil-max-cost-cents');
  if (header === undefined) return null;
  const microcents = parsePrice(header);
  if (microcents !== null) return microcents;
  throw invalidInput('X-Yggdrasil-Max-Cost-Cents must be cents: whole, or decimal with up to six places.', {
    param: 'X-Yggdrasil-Max-Cost-Cents',
  });
}
