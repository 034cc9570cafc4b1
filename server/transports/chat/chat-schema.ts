import { z } from 'zod';
import { modelsSchema, providerPreferencesSchema } from './choice.ts';
import { audioPart, imagePart, mediaTokens } from './content-parts.ts';
import {
  CHOICES_MAX,
  CONTENT_PARTS_MAX,
  MESSAGES_MAX,
  STOPS_MAX,
  TOOL_CALLS_MAX,
  TOOL_CHOICE_CHARACTERS_MAX,
  TOOLS_MAX,
  TOP_LOGPROBS_MAX,
} from './limits.ts';

const textPart = z.strictObject({ type: z.literal('text', 'only text is served'), text: z.string() });
/** What an assistant declined, in a part of its own, as OpenAI has it in history. */
const refusalPart = z.strictObject({ type: z.literal('refusal'), refusal: z.string() });
const textParts = z.array(textPart).min(1).max(CONTENT_PARTS_MAX);
const userParts = z
  .array(
    z.discriminatedUnion('type', [textPart, imagePart, audioPart], 'only text, images and audio are served'),
  )
  .min(1)
  .max(CONTENT_PARTS_MAX);
const spokenParts = z
  .array(z.discriminatedUnion('type', [textPart, refusalPart], 'only text is served'))
  .max(CONTENT_PARTS_MAX);
const toolCall = z.looseObject({
  id: z.string(),
  type: z.string().default('function'),
  function: z.looseObject({ name: z.string(), arguments: z.string() }).optional(),
});

/** Handed to the provider and not counted as tokens: names, and no more. */
const chosenTool = z
  .looseObject({ type: z.string() })
  .refine((choice) => JSON.stringify(choice).length <= TOOL_CHOICE_CHARACTERS_MAX);

type Content = string | z.output<typeof spokenParts> | z.output<typeof userParts>;

function messageWith<
  Given extends z.ZodType<Content>,
  Asked extends z.ZodType<Content>,
  Spoken extends z.ZodType<string | z.output<typeof spokenParts>>,
>(content: Given, asked: Asked, spoken: Spoken) {
  return z.discriminatedUnion('role', [
    z.strictObject({
      role: z.enum(['system', 'developer']),
      content,
      name: z.string().max(64).optional(),
    }),
    z.strictObject({
      role: z.literal('user'),
      content: asked,
      name: z.string().max(64).optional(),
    }),
    // An answer comes back as history, with whatever a client library has added to it.
    z.object({
      role: z.literal('assistant'),
      content: spoken.nullish(),
      name: z.string().max(64).optional(),
      refusal: z.string().nullish(),
      reasoning_content: z.string().nullish(),
      tool_calls: z.array(toolCall).max(TOOL_CALLS_MAX).nullish(),
    }),
    z.strictObject({
      role: z.literal('tool'),
      content,
      tool_call_id: z.string().max(128),
      // Many send it, as OpenAI's own examples did.
      name: z.string().max(128).optional(),
    }),
  ]);
}

/** One message of a conversation. */
export const messageSchema = messageWith(
  z.union([z.string(), textParts]),
  z.union([z.string(), userParts]),
  z.union([z.string(), spokenParts]),
);
/** One whose content is parts: says which of them is wrong, where a choice between text and parts can't. */
export const messageOfPartsSchema = messageWith(textParts, userParts, spokenParts);
const tokens = z.int().min(1).nullish();

/**
 * What of OpenAI's chat request is served: https://platform.openai.com/docs/api-reference/chat/create. A field that is not
 * listed goes to a provider that declares support for it; where nobody does, it is refused by name, so that nobody waits for
 * an effect that doesn't come.
 */
export const chatRequestSchema = z.strictObject({
  model: z.string().min(1).max(128),
  // OpenRouter's: which models would do, too, and by whom.
  models: modelsSchema.nullish(),
  provider: providerPreferencesSchema.nullish(),
  route: z.literal('fallback', 'models are tried in their order').nullish(),
  messages: z.array(messageSchema).min(1).max(MESSAGES_MAX),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .nullish(),
  n: z.int().min(1).max(CHOICES_MAX).nullish(),
  // Handed to the provider as they are.
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  // Not OpenAI's, but known to many endpoints.
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().min(0).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(STOPS_MAX)]).nullish(),
  response_format: z.looseObject({ type: z.enum(['text', 'json_object', 'json_schema']) }).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(TOP_LOGPROBS_MAX).nullish(),
  reasoning_effort: z.string().max(32).nullish(),
  verbosity: z.string().max(32).nullish(),
  tools: z
    .array(z.looseObject({ type: z.string() }))
    .max(TOOLS_MAX)
    .nullish(),
  tool_choice: z.union([z.string().max(32), chosenTool]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  // Taken and left here: they say something about the requester, which is nobody else's business.
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  store: z.literal(false, 'answers are not stored').nullish(),
  // What every client may send without asking for anything.
  service_tier: z.enum(['auto', 'default'], 'there are no tiers of service').nullish(),
  modalities: z.tuple([z.literal('text')], 'only text is served').nullish(),
  function_call: z.enum(['none', 'auto'], 'it is "none", "auto" or the name of one of `functions`').nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.string().nullish(),
});

/** A chat request that was checked. */
export type ChatRequest = z.output<typeof chatRequestSchema> & {
  /** Fields that only providers understand which declare them, as they came. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** It asked in OpenAI's form of before tools, and is to be answered so. */
  readonly usesFunctions?: boolean;
};

type Message = ChatRequest['messages'][number];

/** Everything of a message that costs tokens: its parts put together, its reasoning and its tool calls. */
export function textOf(message: Message): string {
  return message.role === 'assistant' ? spokenText(message) : contentText(message.content);
}

/** Tokens of what in its messages is no text, by estimate. */
export function mediaTokensOf({ messages }: ChatRequest): number {
  let tokens = 0;
  for (const { role, content } of messages) {
    if (role !== 'user' || typeof content === 'string') continue;
    for (const part of content) if (part.type !== 'text') tokens += mediaTokens(part);
  }
  return tokens;
}

/** What of a request costs tokens beside its messages, as text; empty where there is nothing. */
export function definitionsText({ tools, response_format: format, extra }: ChatRequest): string {
  return [tools?.length ? tools : null, format?.type === 'json_schema' ? format : null, extra ?? null]
    .map((definitions) => (definitions === null ? '' : JSON.stringify(definitions)))
    .join('');
}

function spokenText(message: Extract<Message, { role: 'assistant' }>): string {
  const { content: said, reasoning_content: thought, refusal, tool_calls: calls } = message;
  const called = (calls ?? []).map(({ function: call }) => (call ? call.name + call.arguments : ''));
  return [thought ?? '', contentText(said ?? ''), refusal ?? '', ...called].join('');
}

function contentText(value: Content): string {
  if (typeof value === 'string') return value;
  return value
    .map((part) => (part.type === 'text' ? part.text : part.type === 'refusal' ? part.refusal : ''))
    .join('');
}

/** What says something about the requester or this transport, or asks for what everybody gets. */
const NOT_PASSED: ReadonlySet<string> = new Set([
  'models',
  'provider',
  'route',
  'user',
  'safety_identifier',
  'metadata',
  'store',
  'stream',
  'stream_options',
  'extra',
  'usesFunctions',
  'service_tier',
  'modalities',
  'function_call',
  'prompt_cache_key',
  'prompt_cache_retention',
]);

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** What everybody gets, and how tools are chosen where there are none: some endpoints refuse that. */
function asksForNothing({ tools, logprobs }: ChatRequest, name: string, value: unknown): boolean {
  if (name === 'n') return value === 1;
  if (name === 'logprobs' || name === 'top_logprobs') return !logprobs;
  if (tools?.length) return false;
  return name === 'parallel_tool_calls' || (name === 'tool_choice' && (value === 'auto' || value === 'none'));
}

/**
 * The body for the provider: conversation, tools and sampling, nothing about the requester or about this transport, and nothing
 * that asks for nothing.
 */
export function providerBody(chat: ChatRequest): Uint8Array {
  return encoded(askedFields(chat));
}

/**
 * The same for a provider that is to go on with an answer; null: to this nobody can. Where the form of the answer is forced, a
 * provider would begin it anew.
 */
export function continuationBody(chat: ChatRequest, beginning: string): Uint8Array | null {
  if (chat.response_format?.type.startsWith('json') || (chat.n ?? 1) > 1) return null;
  const messages = [...chat.messages, { role: 'assistant' as const, content: beginning }];
  return encoded(askedFields({ ...chat, messages }));
}

function askedFields(chat: ChatRequest): object {
  const asked = Object.entries(chat).filter(
    ([name, value]) =>
      !NOT_PASSED.has(name) && value !== null && !isEmptyList(value) && !asksForNothing(chat, name, value),
  );
  return { ...Object.fromEntries(asked), ...chat.extra };
}

function encoded(body: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body));
}
