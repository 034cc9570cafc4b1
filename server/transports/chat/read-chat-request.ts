import { z } from 'zod';
import { CAPABILITY_NAME } from '../../domains/providers/index.ts';
import { invalidInput } from '../../kernel/errors.ts';
import { requireIdempotencyKey } from '../../kernel/idempotency-key.ts';
import { jsonShapeOf } from '../../kernel/json-shape.ts';
import { type Microcents, parsePrice } from '../../kernel/money.ts';
import type { HttpRequest } from '../../platform/http/types.ts';
import { findHalfCharacter } from '../pipeline/half-character.ts';
import { readJson } from '../pipeline/read-json.ts';
import { type ChatRequest, chatRequestSchema, messageOfPartsSchema, messageSchema } from './chat-schema.ts';
import { effortFields, effortOf } from './effort.ts';
import {
  CONTENT_PARTS_MAX,
  EXTRA_FIELDS_MAX,
  LEVELS_MAX,
  MESSAGES_MAX,
  METADATA_MAX,
  PLACE_CHARACTERS_MAX,
  VALUES_MAX,
} from './limits.ts';
import { withoutNothing } from './neutral-values.ts';
import { inNewerForm, messagesInNewerForm } from './older-functions.ts';

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

/** The body as JSON. Refuses with `unsupported_media_type`, `malformed_json` and `invalid_input`. */
export function readChatJson(request: HttpRequest): unknown {
  requirePlainStructure(request.body);
  const body = readJson(request);
  requireFewPairs(body);
  return body;
}

/** OpenAI's chat request, checked. Refuses as `readChatJson` and `checkedChat` do. */
export function readChatRequest(request: HttpRequest): ChatRequest {
  const body = readChatJson(request);
  const chat = checkedChat(body);
  requireWholeCharacters(body);
  return chat;
}

/** A body as OpenAI's chat request, checked. Refuses with `invalid_input`, naming the parameter. */
export function checkedChat(body: unknown): ChatRequest {
  const { body: newer, usesFunctions } = inNewerForm(body);
  const { known, extra } = withoutUnknown(
    withModel(withEffort(withoutNothing(newer, CHAT_FIELDS))),
    CHAT_FIELDS,
  );
  const { messages, ...rest } = checked(envelopeSchema, known, []);
  if (rest.top_logprobs && !rest.logprobs)
    throw invalidInput('top_logprobs: it needs `logprobs`.', { param: 'top_logprobs' });
  const newerMessage = messagesInNewerForm();
  // One by one: all together would list what is wrong with each before the first is told.
  return {
    ...rest,
    ...(extra === null ? {} : { extra }),
    ...(usesFunctions ? { usesFunctions } : {}),
    messages: messages.map((value, index) => {
      const message = messageWithoutNothing(newerMessage(value, index));
      return checked(schemaOf(message), message, ['messages', index]);
    }),
  };
}

/**
 * The fields that are known here, and the others, which only providers understand that declare them. Refuses with `invalid_input`
 * what no provider can declare.
 */
export function withoutUnknown(
  body: unknown,
  knownNames: ReadonlySet<string>,
): { readonly known: unknown; readonly extra: Readonly<Record<string, unknown>> | null } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { known: body, extra: null };
  const fields = Object.entries(body);
  const others = fields.filter(([name]) => !knownNames.has(name));
  if (others.length === 0) return { known: body, extra: null };
  const strange =
    others.length > EXTRA_FIELDS_MAX ? others[0] : others.find(([name]) => !mayBeDeclared(name));
  if (strange !== undefined) {
    const param = shortened(strange[0]);
    throw invalidInput(`${param}: it is not supported.`, { param });
  }
  const known = Object.fromEntries(fields.filter(([name]) => knownNames.has(name)));
  return { known, extra: Object.fromEntries(others) };
}

function mayBeDeclared(name: string): boolean {
  return CAPABILITY_NAME.test(name) && !NEVER_PASSED.has(name);
}

/** Names of this program's own, and one that would change an object instead of a field of it. */
const NEVER_PASSED: ReadonlySet<string> = new Set(['extra', '__proto__']);

/** Where only a list of models is given, the first of it is the one. */
function withModel(body: unknown): unknown {
  const { model, models } = (body ?? {}) as { model?: unknown; models?: unknown };
  if (model !== undefined || !Array.isArray(models) || models.length === 0) return body;
  return { ...(body as object), model: models[0], models: models.slice(1) };
}

/** OpenRouter's `reasoning`, as far as it says how much is to be thought, in OpenAI's words. */
function withEffort(body: unknown): unknown {
  const { reasoning, ...others } = (body ?? {}) as { reasoning?: unknown; reasoning_effort?: unknown };
  const given = openRouterReasoning.safeParse(reasoning);
  if (reasoning === undefined || others.reasoning_effort !== undefined || !given.success) return body;
  const asked = effortOf(given.data);
  return { ...others, ...(asked === null ? {} : { reasoning_effort: asked }) };
}

/** What is thought is always told: `exclude` is nobody's to keep. */
const openRouterReasoning = z.strictObject({
  ...effortFields,
  exclude: z.literal(false).nullish(),
});

function schemaOf(message: unknown) {
  const content = (message as { content?: unknown } | null)?.content;
  return Array.isArray(content) ? messageOfPartsSchema : messageSchema;
}

/** Refuses with `invalid_input` a body that holds half of a character. */
export function requireWholeCharacters(body: unknown): void {
  const place = findHalfCharacter(body, '');
  if (place !== null) {
    const half = shortened(place);
    throw invalidInput(`${half}: it holds half of a character (a lone surrogate).`, { param: half });
  }
}

/** The same for a message and the parts of its content. */
function messageWithoutNothing(value: unknown): unknown {
  const message = withoutNothing(value, MESSAGE_FIELDS);
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return message;
  const { role, content } = value as { role?: unknown; content?: unknown };
  // An answer that only calls tools says so by it, and some endpoints want to see it.
  const isEmpty = content === null || (Array.isArray(content) && content.length === 0);
  if (isEmpty && role === 'assistant') return { ...message, content: null };
  // What a tool gave may be nothing.
  if (isEmpty && role === 'tool') return { ...message, content: '' };
  if (content === null) return { ...message, content };
  if (!Array.isArray(content) || content.length > CONTENT_PARTS_MAX) return message;
  return { ...message, content: content.map(plainPart) };
}

/** Many give the address of an image as it is. */
function plainPart(part: unknown): unknown {
  const fields = withoutNothing(part, PART_FIELDS) as { type?: unknown; image_url?: unknown } | null;
  if (fields?.type !== 'image_url' || typeof fields.image_url !== 'string') return fields;
  return { ...fields, image_url: { url: fields.image_url } };
}

const PART_FIELDS: ReadonlySet<string> = new Set(['type', 'text', 'refusal', 'image_url', 'input_audio']);
const CHAT_FIELDS: ReadonlySet<string> = new Set(Object.keys(chatRequestSchema.shape));
const MESSAGE_FIELDS: ReadonlySet<string> = new Set(
  messageSchema.options.flatMap(({ shape }) => Object.keys(shape)),
);

const envelopeSchema = chatRequestSchema.extend({ messages: z.array(z.unknown()).min(1).max(MESSAGES_MAX) });

/** The value as the schema has it. Refuses with `invalid_input`, naming the parameter and what is wrong with it first. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: readonly PropertyKey[],
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const names = [...place, ...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])];
  const path = shortened(names.join('.'));
  const reason = unknownKey === undefined ? (issue?.message ?? 'it is not valid') : 'it is not supported';
  throw invalidInput(
    `${path === '' ? 'The body' : path}: ${reason}.`,
    path === '' ? undefined : { param: path },
  );
}

/** A place in a body, for whoever reads the refusal: a name in it may be as long as the body. */
function shortened(place: string): string {
  return place.length <= PLACE_CHARACTERS_MAX ? place : `${place.slice(0, PLACE_CHARACTERS_MAX)}...`;
}

/** The key under which the request is carried out once; null: always. Refuses with `invalid_input`. */
export function readIdempotencyKey(request: Pick<HttpRequest, 'header'>): string | null {
  const header = request.header('idempotency-key');
  return header === undefined ? null : requireIdempotencyKey(header);
}

/** The most the requester wants to pay for this request; null: no limit. Refuses with `invalid_input`. */
export function readMaximumCost(request: Pick<HttpRequest, 'header'>): Microcents | null {
  const header = request.header('x-yggdrasil-max-cost-cents');
  if (header === undefined) return null;
  const microcents = parsePrice(header);
  if (microcents !== null) return microcents;
  throw invalidInput('X-Yggdrasil-Max-Cost-Cents must be cents: whole, or decimal with up to six places.', {
    param: 'X-Yggdrasil-Max-Cost-Cents',
  });
}
