import { z } from 'zod';
import { FEATURES } from '../../domains/providers/index.ts';
import { COSTS } from '../../kernel/operation.ts';
import { chatRequestSchema } from '../chat/chat-schema.ts';
import { COMPLETION_ERRORS, completionHeadersSchema } from '../chat/completion-operation.ts';
import type { HttpDescription } from '../pipeline/http-operation.ts';
import { INPUT_ITEMS_LISTED, INPUT_ITEMS_LISTED_MAX, MODELS_LISTED_MAX } from './limits.ts';
import { responseRequestSchema } from './responses/request-schema.ts';
import { completionRequestSchema, embeddingRequestSchema } from './text-request.ts';

const usage = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
  completion_tokens_details: z.object({ reasoning_tokens: z.int() }),
  cost: z.object({ value: z.string(), currency: z.literal('EUR') }).describe('What was billed.'),
});

const finishReason = z.string().describe('`stop`, `length`, `tool_calls`, or what the endpoint calls it.');

const chatCompletion = z
  .object({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.object({
        index: z.int(),
        message: z.looseObject({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          refusal: z.string().nullable(),
        }),
        logprobs: z.looseObject({}).nullable(),
        finish_reason: finishReason,
      }),
    ),
    usage,
  })
  .meta({ id: 'ChatCompletion' });

const response = z
  .looseObject({
    id: z.string(),
    object: z.literal('response'),
    status: z.enum(['queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled']),
    output: z.array(
      z.looseObject({ type: z.enum(['reasoning', 'message', 'function_call']), id: z.string() }),
    ),
  })
  .meta({ id: 'Response' });

const responseParams = z.strictObject({ responseId: z.string() });

const textCompletion = z
  .object({
    id: z.string(),
    object: z.literal('text_completion'),
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.object({
        index: z.int(),
        text: z.string(),
        logprobs: z.looseObject({}).nullable(),
        finish_reason: finishReason,
      }),
    ),
    usage,
  })
  .meta({ id: 'TextCompletion' });

const embeddingList = z
  .object({
    object: z.literal('list'),
    model: z.string(),
    data: z.array(
      z.object({
        object: z.literal('embedding'),
        index: z.int(),
        embedding: z.union([z.array(z.number()), z.string()]),
      }),
    ),
    usage: z.object({
      prompt_tokens: z.int(),
      total_tokens: z.int(),
      cost: z.object({ value: z.string(), currency: z.literal('EUR') }).describe('What was billed.'),
    }),
  })
  .meta({ id: 'EmbeddingList' });

const model = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    type: z.literal('model'),
    display_name: z.string(),
    created_at: z.string(),
    created: z.int(),
    owned_by: z.string(),
    providers: z.int(),
    context_tokens_max: z.int(),
    features: z.array(z.enum(FEATURES)).describe('What one of its providers or another declares.'),
    prices_cents_per_1000_tokens_min: z
      .object({ prompt: z.string(), cached_prompt: z.string(), completion: z.string() })
      .describe('The lowest price of each kind, in cents, in decimal.'),
  })
  .meta({ id: 'Model' });

const money = z.object({ value: z.string(), currency: z.literal('EUR') });
const euros = z.number().describe('What was billed, in euros; `cost` has it exact.');

const generation = z
  .looseObject({
    id: z.string(),
    model: z.string(),
    provider_name: z.string().describe('The id of the provider that ended it.'),
    created_at: z.string(),
    streamed: z.boolean().nullable(),
    cancelled: z.boolean(),
    is_byok: z.boolean().describe('Your own provider served it.'),
    finish_reason: z.string().nullable(),
    generation_time: z.int().nullable().describe('Milliseconds to its end; null: it has not ended.'),
    tokens_prompt: z.int(),
    tokens_completion: z.int(),
    native_tokens_prompt: z.int(),
    native_tokens_cached: z.int(),
    native_tokens_completion: z.int(),
    native_tokens_reasoning: z.int(),
    total_cost: euros,
    usage: euros,
    state: z.enum(['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED']),
    failure_code: z.string().nullable(),
    tokens_billed: z.int(),
    cost: money,
    refunded: money,
  })
  .meta({ id: 'Generation' });

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

/** Which part of the list of models is asked for; what else a client sends is ignored. */
export const modelQuery = z.object({
  after: z.string().optional().describe('The `id` of the last model of the part before.'),
  after_id: z.string().optional().describe('The same, as Anthropic calls it.'),
  limit: z.coerce.number().int().min(1).max(MODELS_LISTED_MAX).default(MODELS_LISTED_MAX),
});

/** Which part of a conversation is asked for; what else a client sends is ignored. */
export const inputItemsQuery = z.object({
  after: z.string().optional().describe('The `id` of the last item of the part before.'),
  limit: z.coerce.number().int().min(1).max(INPUT_ITEMS_LISTED_MAX).default(INPUT_ITEMS_LISTED),
  order: z.enum(['asc', 'desc']).default('desc'),
});

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
    headers: completionHeadersSchema,
    body: chatRequestSchema.meta({ id: 'ChatRequest' }),
    response: chatCompletion,
    errors: COMPLETION_ERRORS,
  },
  {
    ...common,
    cost: COSTS.completion,
    audit: 'money',
    operation: 'openai.responses.create',
    method: 'POST',
    path: '/v1/responses',
    summary:
      "A response, as OpenAI's; with `stream` as server-sent events. The same request underneath as a chat completion. Unless " +
      '`store` is false it is kept for 30 days, for `previous_response_id` to go on from.',
    params: null,
    headers: completionHeadersSchema,
    body: responseRequestSchema.meta({ id: 'ResponseRequest' }),
    response,
    errors: COMPLETION_ERRORS,
  },
  {
    ...common,
    cost: COSTS.completion,
    audit: 'money',
    operation: 'openai.completions.create',
    method: 'POST',
    path: '/v1/completions',
    summary:
      "A completion of text, as OpenAI's; with `stream` as server-sent events that end in `data: [DONE]`. By providers that " +
      'declare `completions`; `echo`, `suffix` and `best_of` are not served.',
    params: null,
    headers: completionHeadersSchema,
    body: completionRequestSchema.meta({ id: 'CompletionRequest' }),
    response: textCompletion,
    errors: COMPLETION_ERRORS,
  },
  {
    ...common,
    cost: COSTS.completion,
    audit: 'money',
    operation: 'openai.embeddings.create',
    method: 'POST',
    path: '/v1/embeddings',
    summary:
      "Vectors of texts, as OpenAI's. By providers that declare `embeddings`; their tokens are paid as prompt.",
    params: null,
    headers: completionHeadersSchema,
    body: embeddingRequestSchema.meta({ id: 'EmbeddingRequest' }),
    response: embeddingList,
    errors: COMPLETION_ERRORS,
  },
  {
    ...reading,
    operation: 'openai.responses.get',
    method: 'GET',
    path: '/v1/responses/:responseId',
    summary:
      'A response as it stands; with `stream=true` the events of one in the background, from behind number `starting_after` on, and those to come.',
    params: responseParams,
    body: null,
    query: z.object({
      stream: z.enum(['true', 'false']).optional(),
      starting_after: z.coerce.number().int().min(-1).optional(),
    }),
    response,
    errors: ['response_not_found'],
  },
  {
    ...reading,
    operation: 'openai.responses.inputItems',
    method: 'GET',
    path: '/v1/responses/:responseId/input_items',
    summary: 'The conversation that a response answers, the newest item first unless `order=asc`.',
    params: responseParams,
    body: null,
    query: inputItemsQuery,
    response: z.object({
      object: z.literal('list'),
      data: z.array(z.looseObject({ type: z.string(), id: z.string() })),
      has_more: z.boolean(),
      first_id: z.string().nullable(),
      last_id: z.string().nullable(),
    }),
    errors: ['response_not_found'],
  },
  {
    ...common,
    cost: COSTS.write,
    audit: 'change',
    operation: 'openai.responses.cancel',
    method: 'POST',
    path: '/v1/responses/:responseId/cancel',
    summary: 'Ends the work on a response in the background. What was delivered is billed.',
    params: responseParams,
    body: null,
    response,
    errors: ['response_not_found'],
  },
  {
    ...common,
    cost: COSTS.write,
    audit: 'change',
    operation: 'openai.responses.remove',
    method: 'DELETE',
    path: '/v1/responses/:responseId',
    summary: 'Forgets a response, and ends the work on it.',
    params: responseParams,
    body: null,
    response: z.object({ id: z.string(), object: z.literal('response'), deleted: z.literal(true) }),
    errors: ['response_not_found'],
  },
  {
    ...reading,
    operation: 'openai.generation.get',
    method: 'GET',
    path: '/v1/generation',
    summary:
      "What a request of yours was and cost, in OpenRouter's form, by the id of its answer. An API key is told of what came with it.",
    params: null,
    body: null,
    query: z.object({ id: z.string().describe('Of the answer, with or without what stands before it.') }),
    response: z.object({ data: generation }),
    errors: ['transaction_not_found'],
  },
  {
    ...reading,
    operation: 'openai.models.list',
    method: 'GET',
    path: '/v1/models',
    summary:
      'The models that are served now, by name; up to 1000 at a time, the next ones behind the last `id`.',
    params: null,
    body: null,
    query: modelQuery,
    response: z.object({
      object: z.literal('list'),
      data: z.array(model),
      has_more: z.boolean(),
      first_id: z.string().nullable(),
      last_id: z.string().nullable(),
    }),
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
