import { z } from 'zod';
import type { AccountActor } from '../../kernel/actor.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import {
  EMPTY_BODY_BYTES_MAX,
  type HttpDescription,
  type HttpOperation,
} from '../pipeline/http-operation.ts';
import { idempotencyKeySchema } from '../pipeline/idempotency-key-schema.ts';
import { BODY_BYTES_MAX } from './limits.ts';

/** The headers of ours that a request for a completion may have. */
export const completionHeadersSchema = z.object({
  'Idempotency-Key': idempotencyKeySchema.optional(),
  'X-Yggdrasil-Max-Cost-Cents': z
    .string()
    .regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$/)
    .optional()
    .describe('The most this request may cost, in cents: whole, or decimal with up to six places.'),
});

/** How a request for a completion may be refused or fail. */
export const COMPLETION_ERRORS = [
  'idempotency_key_reused',
  'idempotency_key_in_flight',
  'limit_reached',
  'model_not_found',
  'feature_not_supported',
  'context_length_exceeded',
  'maximum_cost_exceeded',
  'insufficient_balance',
  'spending_limit_reached',
  'spend_quota_exceeded',
  'no_provider_available',
  'no_provider_allowed',
  'provider_failed',
  'provider_stalled',
  'provider_vanished',
  'provider_answer_malformed',
  'provider_busy',
  'request_rejected',
  'outcome_unknown',
  'reader_stalled',
  'rate_limited',
  'response_not_found',
  'previous_response_not_found',
  'request_timed_out',
] as const;

/** An operation of the market's APIs: the one that asks is an account, which the pipeline has seen to. */
export function marketOperation(
  description: HttpDescription & { readonly access: 'market.request' },
  answer: (actor: AccountActor, request: HttpRequest) => Promise<HttpResponse>,
): HttpOperation {
  return {
    ...description,
    // Clients send an empty object where there is nothing to say, and what it is matters to nobody.
    bodyBytesMax: description.body === null ? EMPTY_BODY_BYTES_MAX : BODY_BYTES_MAX,
    quiet: false,
    answer: (actor, request) => answer(actor as AccountActor, request),
  };
}
