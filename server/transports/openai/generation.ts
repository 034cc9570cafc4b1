import type { AnswerService } from '../../domains/answers/index.ts';
import type { Generation, TransactionService } from '../../domains/transactions/index.ts';
import type { AccountActor } from '../../kernel/actor.ts';
import { notFound } from '../../kernel/errors.ts';
import { asId, isUuid, type TransactionId } from '../../kernel/ids.ts';
import { type Microcents, moneyToJson } from '../../kernel/money.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';

/** What the operations of OpenAI's and Anthropic's APIs put before the id of a request. */
const PREFIX = /^(chatcmpl-|cmpl-|resp_|msg_)/;

/**
 * `GET /v1/generation?id=`: what a request was and cost, in the form of OpenRouter's
 * (https://openrouter.ai/docs/api-reference/get-a-generation), with its amounts as numbers, in euros, and ours exact beside them.
 * Only whoever asked sees it, of API keys the one that it came with: any other's, and what one served, is like one that never was.
 * Refuses with `transaction_not_found`.
 */
export async function getGeneration(
  actor: AccountActor,
  request: HttpRequest,
  {
    transactions,
    answers,
  }: { transactions: Pick<TransactionService, 'getGeneration'>; answers: Pick<AnswerService, 'find'> },
): Promise<HttpResponse> {
  const id = (request.query.get('id') ?? '').replace(PREFIX, '');
  if (!isUuid(id)) throw notFound('transaction');
  // One in the background has an id before it has a transaction.
  const kept = await answers.find(actor, 'response', id);
  const generation = await transactions.getGeneration(actor, kept?.transactionId ?? asId<TransactionId>(id));
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ data: { ...NOT_KNOWN, ...generationObject(generation) } }),
  };
}

/** OpenRouter's clients require each of its fields, also of what isn't known here. */
const NOT_KNOWN = {
  api_type: null,
  app_id: null,
  cache_discount: null,
  data_region: 'global',
  external_user: null,
  http_referer: null,
  latency: null,
  moderation_latency: null,
  native_tokens_completion_images: null,
  num_fetches: null,
  num_input_audio_prompt: null,
  num_media_completion: null,
  num_media_prompt: null,
  num_search_results: null,
  origin: '',
  preset_id: null,
  provider_responses: null,
  request_id: null,
  router: null,
  service_tier: null,
  session_id: null,
  upstream_id: null,
  upstream_inference_cost: null,
  user_agent: null,
  web_search_engine: null,
  workspace_id: null,
};

function generationObject(generation: Generation): object {
  const { createdAtMs, finishedAtMs, state, costMicrocents, refundedMicrocents } = generation;
  return {
    id: generation.id,
    model: generation.model,
    provider_name: generation.providerId,
    created_at: new Date(createdAtMs).toISOString(),
    streamed: generation.isStreamed,
    cancelled: state === 'CANCELLED',
    is_byok: generation.isOwn,
    finish_reason: generation.finishReason,
    native_finish_reason: generation.finishReason,
    generation_time: finishedAtMs === null ? null : finishedAtMs - createdAtMs,
    tokens_prompt: generation.promptTokens,
    tokens_completion: generation.completionTokens,
    native_tokens_prompt: generation.promptTokens,
    native_tokens_cached: generation.cachedPromptTokens,
    native_tokens_completion: generation.completionTokens,
    native_tokens_reasoning: generation.reasoningTokens,
    total_cost: numberOf(costMicrocents),
    usage: numberOf(costMicrocents),
    // Ours.
    state,
    failure_code: generation.failureCode,
    tokens_billed: generation.billedTokens,
    tokens_estimated: generation.tokenizer === null,
    cost: moneyToJson(costMicrocents),
    refunded: moneyToJson(refundedMicrocents),
  };
}

/** Euros as a number: as near as one can be. */
const numberOf = (amount: Microcents): number => Number(moneyToJson(amount).value);
