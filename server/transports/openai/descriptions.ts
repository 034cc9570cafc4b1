import { z } from 'zod';
import { COSTS } from '../../kernel/operation.ts';
import type { HttpDescription } from '../pipeline/http-operation.ts';
import { idempotencyKeySchema } from '../pipeline/idempotency-key-schema.ts';
import { chatRequestSchema } from './chat-schema.ts';

const usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
  completion_tokens_details: z.object({ reasoning_tokens: z.int() }),
});

const chatCompletion = z
  .object({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.object({
        index: z.literal(0),
        message: z.looseObject({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          refusal: z.string().nullable(),
        }),
        logprobs: z.null(),
        finish_reason: z.string(),
      }),
    ),
    usage,
  })
  .meta({ id: 'ChatCompletion' });

const model = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.string(),
    providers: z.int(),
    context_tokens_max: z.int(),
    prices_cents_per_1000_tokens_min: z
      .object({ prompt: z.string(), cached_prompt: z.string(), completion: z.string() })
      .describe('The lowest price of each kind, in cents, in decimal.'),
  })
  .meta({ id: 'Model' });

const errorBody = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .meta({ id: 'OpenAiError' });

const common = { access: 'market.request', query: null, status: 200, errorBody } as const;
const reading = { ...common, cost: COSTS.read, audit: 'none' } as const;

/** What the documentation says of the OpenAI endpoint; the convention itself is OpenAI's. */
export const OPENAI_DESCRIPTIONS = [
  {
    ...common,
    cost: COSTS.completion,
    audit: 'money',
    operation: 'openai.chatCompletions.create',
    method: 'POST',
    path: '/v1/chat/completions',
    summary:
      "A chat completion, as OpenAI's; with `stream` as server-sent events that end in `data: [DONE]`. " +
      'Under the header Idempotency-Key it is carried out and paid once, and repeating it within a day gives the answer again.',
    params: null,
    headers: z.object({
      'Idempotency-Key': idempotencyKeySchema.optional(),
      'X-Yggdrasil-Max-Cost-Cents': z
        .string()
        .regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$/)
        .optional()
        .describe('The most this request may cost, in cents: whole, or decimal with up to six places.'),
    }),
    body: chatRequestSchema.meta({ id: 'ChatRequest' }),
    response: chatCompletion,
    errors: [
      'idempotency_key_reused',
      'idempotency_key_in_flight',
      'limit_reached',
      'model_not_found',
      'context_length_exceeded',
      'maximum_cost_exceeded',
      'insufficient_balance',
      'no_provider_available',
      'provider_failed',
      'provider_stalled',
      'provider_vanished',
      'provider_answer_malformed',
      'provider_busy',
      'request_rejected',
      'outcome_unknown',
      'reader_stalled',
      'rate_limited',
      'request_timed_out',
    ],
  },
  {
    ...reading,
    operation: 'openai.models.list',
    method: 'GET',
    path: '/v1/models',
    summary: 'The models that are served now.',
    params: null,
    body: null,
    response: z.object({ object: z.literal('list'), data: z.array(model) }),
    errors: [],
  },
  {
    ...reading,
    operation: 'openai.models.get',
    method: 'GET',
    path: '/v1/models/*',
    restOfPath: 'model',
    summary: 'One model; its name may hold slashes.',
    params: z.strictObject({ model: z.string() }),
    body: null,
    response: model,
    errors: ['model_not_found'],
  },
] as const satisfies readonly HttpDescription[];
