import { z } from 'zod';
import { COSTS } from '../../kernel/operation.ts';
import { COMPLETION_ERRORS, completionHeadersSchema } from '../chat/completion-operation.ts';
import type { HttpDescription } from '../pipeline/http-operation.ts';
import { messageRequestSchema, promptSchema } from './message-schema.ts';

const message = z
  .object({
    id: z.string(),
    type: z.literal('message'),
    role: z.literal('assistant'),
    model: z.string(),
    content: z.array(z.looseObject({ type: z.enum(['thinking', 'text', 'tool_use']) })),
    stop_reason: z.string(),
    stop_sequence: z.null(),
    usage: z.object({
      input_tokens: z.int(),
      cache_creation_input_tokens: z.int(),
      cache_read_input_tokens: z.int(),
      output_tokens: z.int(),
      cost: z.object({ value: z.string(), currency: z.literal('EUR') }).describe('What was billed.'),
    }),
  })
  .meta({ id: 'Message' });

const errorBody = z
  .object({
    type: z.literal('error'),
    error: z.object({
      type: z.string(),
      message: z.string(),
      code: z.string(),
      param: z.string().optional(),
    }),
  })
  .meta({ id: 'AnthropicError' });

const common = {
  access: 'market.request',
  cost: COSTS.completion,
  method: 'POST',
  params: null,
  query: null,
  status: 200,
  errorBody,
} as const;

/** What the documentation says of Anthropic's part of HTTP; the convention itself is Anthropic's. */
export const ANTHROPIC_DESCRIPTIONS = [
  {
    ...common,
    audit: 'money',
    operation: 'anthropic.messages.create',
    path: '/v1/messages',
    summary:
      "A message, as Anthropic's; with `stream` as server-sent events. The same request underneath as a chat completion: " +
      'priced, held and billed alike. The key may come in `x-api-key`.',
    headers: completionHeadersSchema,
    body: messageRequestSchema.meta({ id: 'MessageRequest' }),
    response: message,
    errors: COMPLETION_ERRORS,
  },
  {
    ...common,
    audit: 'none',
    operation: 'anthropic.messages.countTokens',
    path: '/v1/messages/count_tokens',
    summary:
      'What the prompt of a message would be billed as, in tokens. Nobody is asked, and nothing is paid.',
    body: promptSchema.meta({ id: 'MessagePrompt' }),
    response: z.object({ input_tokens: z.int() }),
    errors: [],
  },
] as const satisfies readonly HttpDescription[];
