import { z } from 'zod';
import { invalidInput } from '../../kernel/errors.ts';
import { requireIdempotencyKey } from '../../kernel/idempotency-key.ts';
import { jsonShapeOf } from '../../kernel/json-shape.ts';
import { type Microcents, parsePrice } from '../../kernel/money.ts';
import type { HttpRequest } from '../../platform/http/types.ts';
import { findHalfCharacter } from '../pipeline/half-character.ts';
import { readJson } from '../pipeline/read-json.ts';
import { type ChatRequest, chatRequestSchema, messageSchema } from './chat-schema.ts';
import { LEVELS_MAX, MESSAGES_MAX, METADATA_MAX, VALUES_MAX } from './limits.ts';

/** Refuses with `invalid_input` a body whose structure would cost many times what its size tells. */
function requirePlainStructure(body: Uint8Array): void {
  const { levels, parts, commas } = jsonShapeOf(body);
  if (levels > LEVELS_MAX)
    throw invalidInput(`The body: objects and lists are nested deeper than ${LEVELS_MAX} levels.`);
  if (parts + commas > VALUES_MAX) throw invalidInput(`The body: it has more than ${VALUES_MAX} values.`);
}

/** The schema would list what is wrong with each pair. */
function requireFewPairs(body: unknown): void {
  const metadata = typeof body === 'object' && body !== null && 'metadata' in body ? body.metadata : null;
  if (typeof metadata !== 'object' || metadata === null || Object.keys(metadata).length <= METADATA_MAX)
    return;
  throw invalidInput(`metadata: at most ${METADATA_MAX} pairs.`, { param: 'metadata' });
}

/** The checked body. Refuses with `unsupported_media_type`, `malformed_json` and `invalid_input`, naming the parameter. */
export function readChatRequest(request: HttpRequest): ChatRequest {
  requirePlainStructure(request.body);
  const body = readJson(request);
  requireFewPairs(body);
  const { messages, ...rest } = checked(envelopeSchema, body, []);
  // One by one: all together would list what is wrong with each before the first is told.
  const chat = {
    ...rest,
    messages: messages.map((message, index) => checked(messageSchema, message, ['messages', index])),
  };
  requireWholeCharacters(body);
  return chat;
}

function requireWholeCharacters(body: unknown): void {
  const half = findHalfCharacter(body, '');
  if (half !== null) {
    throw invalidInput(`${half}: it holds half of a character (a lone surrogate).`, { param: half });
  }
}

const envelopeSchema = chatRequestSchema.extend({ messages: z.array(z.unknown()).min(1).max(MESSAGES_MAX) });

function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: readonly PropertyKey[],
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...place, ...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])].join(
    '.',
  );
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
