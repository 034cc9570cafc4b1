import { z } from 'zod';
import { CONTENT_PARTS_MAX, MESSAGES_MAX, TOOL_CALLS_MAX, TOOLS_MAX } from './limits.ts';

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const content = z.union([z.string(), z.array(textPart).min(1).max(CONTENT_PARTS_MAX)]);
const toolCall = z.looseObject({
  id: z.string(),
  type: z.string(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }).optional(),
});
/** One message of a conversation. */
export const messageSchema = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.enum(['system', 'developer', 'user']),
    content,
    name: z.string().max(64).optional(),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    name: z.string().max(64).optional(),
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    tool_calls: z.array(toolCall).max(TOOL_CALLS_MAX).nullish(),
  }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: z.string().max(128) }),
]);
const tokens = z.int().min(1).nullish();

/**
 * What of OpenAI's chat request is served: https://platform.openai.com/docs/api-reference/chat/create. What is not
 * listed is refused by name, so that nobody waits for an effect that doesn't come.
 */
export const chatRequestSchema = z.strictObject({
  model: z.string().min(1).max(128),
  messages: z.array(messageSchema).min(1).max(MESSAGES_MAX),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
  n: z.literal(1, 'only one choice is served').nullish(),
  // Handed to the provider as they are.
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  response_format: z.looseObject({ type: z.enum(['text', 'json_object', 'json_schema']) }).nullish(),
  reasoning_effort: z.string().max(32).nullish(),
  tools: z
    .array(z.looseObject({ type: z.string() }))
    .max(TOOLS_MAX)
    .nullish(),
  tool_choice: z.union([z.string().max(32), z.looseObject({ type: z.string() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  // Taken and left here: they say something about the requester, which is nobody else's business.
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  store: z.literal(false, 'answers are not stored').nullish(),
  logprobs: z.literal(false, 'log probabilities are not served').nullish(),
});

/** A chat request that was checked. */
export type ChatRequest = z.output<typeof chatRequestSchema>;

type Message = ChatRequest['messages'][number];

/** Everything of a message that costs tokens: its parts put together, its reasoning and its tool calls. */
export function textOf(message: Message): string {
  return message.role === 'assistant' ? spokenText(message) : contentText(message.content);
}

/** What of a request costs tokens beside its messages, as text; empty where there is nothing. */
export function definitionsText({ tools, response_format: format }: ChatRequest): string {
  return [tools?.length ? tools : null, format?.type === 'json_schema' ? format : null]
    .map((definitions) => (definitions === null ? '' : JSON.stringify(definitions)))
    .join('');
}

function spokenText(message: Extract<Message, { role: 'assistant' }>): string {
  const { content: said, reasoning_content: thought, refusal, tool_calls: calls } = message;
  const called = (calls ?? []).map(({ function: call }) => (call ? call.name + call.arguments : ''));
  return [thought ?? '', contentText(said ?? ''), refusal ?? '', ...called].join('');
}

function contentText(value: z.output<typeof content>): string {
  return typeof value === 'string' ? value : value.map(({ text }) => text).join('');
}

/**
 * The body for the provider: conversation, tools and sampling, nothing about the requester or about this transport, and nothing
 * that asks for nothing.
 */
export function providerBody(chat: ChatRequest): Uint8Array {
  const { user, safety_identifier, metadata, store, stream, stream_options, n, logprobs, ...passed } = chat;
  const asked = Object.entries(passed).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
  return new TextEncoder().encode(JSON.stringify(Object.fromEntries(asked)));
}
