import { z } from 'zod';
import type { Need } from '../../domains/providers/index.ts';
import type { PromptTokens } from '../../domains/requests/index.ts';
import type { AccountActor } from '../../kernel/actor.ts';
import { invalidInput } from '../../kernel/errors.ts';
import type { HttpRequest } from '../../platform/http/types.ts';
import { chatRequestSchema } from '../chat/chat-schema.ts';
import { modelsSchema, providerPreferencesSchema } from '../chat/choice.ts';
import type { ChatDependencies } from '../chat/completion.ts';
import { CHOICES_MAX } from '../chat/limits.ts';
import { needsOfFields } from '../chat/needs.ts';
import { withoutNothing } from '../chat/neutral-values.ts';
import { checked, readChatJson, requireWholeCharacters, withoutUnknown } from '../chat/read-chat-request.ts';
import {
  COMPLETION_LOGPROBS_MAX,
  DIMENSIONS_MAX,
  GIVEN_TOKEN_MAX,
  GIVEN_TOKENS_MAX,
  INPUTS_MAX,
  PROMPTS_MAX,
} from './limits.ts';

const givenTokens = z.array(z.int().min(0).max(GIVEN_TOKEN_MAX)).min(1).max(GIVEN_TOKENS_MAX);
/** One text, or several, as text or as the numbers of their tokens. */
const textsUpTo = (max: number) =>
  z.union(
    [z.string(), givenTokens, z.array(z.string()).min(1).max(max), z.array(givenTokens).min(1).max(max)],
    `it must be a text, a list of up to ${max} texts, or tokens by their numbers`,
  );

const choice = {
  model: z.string().min(1).max(128),
  models: modelsSchema.nullish(),
  provider: providerPreferencesSchema.nullish(),
};
const {
  temperature,
  top_p,
  top_k,
  min_p,
  repetition_penalty,
  presence_penalty,
  frequency_penalty,
  seed,
  stop,
} = chatRequestSchema.shape;

/** What of OpenAI's older request for a completion is served: https://platform.openai.com/docs/api-reference/completions/create. */
export const completionRequestSchema = z.strictObject({
  ...choice,
  prompt: textsUpTo(PROMPTS_MAX),
  max_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).max(CHOICES_MAX).nullish(),
  logprobs: z.int().min(0).max(COMPLETION_LOGPROBS_MAX).nullish(),
  temperature,
  top_p,
  top_k,
  min_p,
  repetition_penalty,
  presence_penalty,
  frequency_penalty,
  seed,
  stop,
  stream: chatRequestSchema.shape.stream,
  stream_options: chatRequestSchema.shape.stream_options,
  echo: z.literal(false, 'the prompt is not given back: it would be billed as an answer').nullish(),
  suffix: z.literal('', 'text is not filled in').nullish(),
  best_of: z.literal(1, 'every answer that is made is given').nullish(),
  user: z.string().nullish(),
});

/** What of OpenAI's request for embeddings is served: https://platform.openai.com/docs/api-reference/embeddings/create. */
export const embeddingRequestSchema = z.strictObject({
  ...choice,
  input: textsUpTo(INPUTS_MAX),
  dimensions: z.int().min(1).max(DIMENSIONS_MAX).nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  user: z.string().nullish(),
});

/** A request that was checked, with what of it needs a provider that declares it. */
export interface TextRequest<Schema extends z.ZodObject> {
  readonly asked: z.output<Schema>;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly needs: readonly Need[];
}

/** Reads a body of the schema. Refuses as `readChatJson` does, and with `invalid_input`. */
export function readTextRequest<Schema extends z.ZodObject>(
  request: HttpRequest,
  schema: Schema,
): TextRequest<Schema> {
  const names = new Set(Object.keys(schema.shape));
  const body = readChatJson(request);
  const { known, extra } = withoutUnknown(withoutNothing(body, names), names);
  for (const param of ['prompt', 'input'] as const) requireTexts(known, param);
  const asked = checked(schema, known, []);
  requireWholeCharacters(body);
  return { asked, extra: extra ?? {}, needs: needsOfFields(extra ?? {}) };
}

/** Refuses what is no text and no list of texts before the schema sees it, which would say of each of 250,000 what is wrong. */
function requireTexts(known: unknown, param: string): void {
  const given = (known as Readonly<Record<string, unknown>> | null)?.[param];
  if (given === undefined || typeof given === 'string' || areGivenTokens(given)) return;
  if (isListUpTo(given, INPUTS_MAX) && (given.every(isText) || given.every(areGivenTokens))) return;
  const message = `${param}: it must be a text, a list of up to ${INPUTS_MAX} texts, or tokens by their numbers.`;
  throw invalidInput(message, { param });
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function areGivenTokens(given: unknown): boolean {
  return isListUpTo(given, GIVEN_TOKENS_MAX) && given.every(isGivenToken);
}

function isGivenToken(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= GIVEN_TOKEN_MAX;
}

function isListUpTo(given: unknown, max: number): given is readonly unknown[] {
  return Array.isArray(given) && given.length >= 1 && given.length <= max;
}

/** The texts of a request, each by itself: as text, or as how many tokens it is. Refuses with `invalid_input` an empty one. */
export function textsOf(
  given: string | readonly (number | string | readonly number[])[],
  param: string,
): (string | number)[] {
  const texts = typeof given === 'string' ? [given] : typeof given[0] === 'number' ? [given.length] : given;
  return texts.map((text) => {
    const one = Array.isArray(text) ? text.length : (text as string | number);
    if (one === '') throw invalidInput(`${param}: an empty text.`, { param });
    return one;
  });
}

/** Counts the texts, none further than `tokensMax`. */
export async function countTexts(
  actor: AccountActor,
  texts: readonly (string | number)[],
  tokens: Pick<ChatDependencies['tokens'], 'countText'>,
  tokenizer: string | null,
): Promise<PromptTokens> {
  const counts = await Promise.all(
    texts.map((text) =>
      typeof text === 'number' ? text : tokens.countText(actor.tenantId, text, tokenizer),
    ),
  );
  return {
    all: counts.reduce((sum, count) => sum + count, 0),
    longest: counts.reduce((max, count) => Math.max(max, count), 0),
  };
}

/** The body for the provider: what is asked, but for what is about the requester or this transport. */
export function textBody(asked: object, extra: Readonly<Record<string, unknown>>): Uint8Array {
  const fields = Object.entries(asked).filter(
    ([name, value]) =>
      !NOT_PASSED.has(name) && value != null && !(Array.isArray(value) && value.length === 0),
  );
  return new TextEncoder().encode(JSON.stringify({ ...Object.fromEntries(fields), ...extra }));
}

const NOT_PASSED: ReadonlySet<string> = new Set([
  'models',
  'provider',
  'user',
  'stream',
  'stream_options',
  'echo',
  'suffix',
  'best_of',
  'encoding_format',
]);
