import { z } from 'zod';
import { MESSAGES_MAX } from './limits.ts';

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const content = z.union([z.string(), z.array(textPart).min(1)]);
const message = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.enum(['system', 'developer', 'user']),
    content,
    name: z.string().max(64).optional(),
  }),
  z.strictObject({ role: z.literal('assistant'), content, name: z.string().max(64).optional() }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: z.string().max(128) }),
]);
const tokens = z.int().min(1).nullish();

/**
 * What of OpenAI's chat request is served: https://platform.openai.com/docs/api-reference/chat/create. What is not
 * listed is refused by name, so that nobody waits for an effect that doesn't come.
 */
export const chatRequestSchema = z.strictObject({
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1).max(MESSAGES_MAX),
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
  response_format: z.strictObject({ type: z.enum(['text', 'json_object']) }).nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high']).nullish(),
  // Taken and left here: they say something about the requester, which is nobody else's business.
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  store: z.literal(false, 'answers are not stored').nullish(),
  logprobs: z.literal(false, 'log probabilities are not served').nullish(),
});

/** A chat request that was checked. */
export type ChatRequest = z.output<typeof chatRequestSchema>;

/** A message's text, its parts put together. */
export function textOf(message: ChatRequest['messages'][number]): string {
  return typeof message.content === 'string'
    ? message.content
    : message.content.map(({ text }) => text).join('');
}

/** The body for the provider: conversation and sampling, nothing about the requester or about this transport. */
export function providerBody(chat: ChatRequest): Uint8Array {
  const { user, safety_identifier, metadata, store, stream, stream_options, n, logprobs, ...passed } = chat;
  return new TextEncoder().encode(JSON.stringify(passed));
}
