import { AppError } from '../../kernel/errors.ts';
import type { FailureCode, ProviderError } from '../providers/index.ts';
import {
  ACCOUNT_KEPT_BYTES_MAX,
  ACCOUNT_KEYS_MAX,
  ACCOUNT_RUNNING_MAX,
  RETRY_AFTER_SECONDS,
} from './limits.ts';

const FAILURE_MESSAGES: Record<FailureCode, string> = {
  provider_failed: 'The provider could not answer.',
  provider_stalled: 'The provider stopped answering.',
  provider_vanished: 'The provider went away.',
  provider_answer_malformed: 'The provider answered with nonsense.',
  provider_busy: 'Every provider that was asked is busy.',
  request_rejected: 'The provider refuses what is asked.',
  reader_stalled: 'The answer was not read.',
  request_cancelled: 'The request was cancelled.',
  request_timed_out: 'The request took longer than a request may.',
  unavailable: 'The server can not serve this right now.',
};

/** The request was given to providers and failed at each. */
export function requestFailed(code: FailureCode, transactionId: string): AppError {
  return new AppError('unavailable', code, FAILURE_MESSAGES[code], {
    details: { transactionId, retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}

/** A provider's endpoint refuses what is asked; another one would, too. Its status decides the kind of the error. */
export function requestRejected({ status, reason, param }: ProviderError, transactionId: string): AppError {
  const kind = status === 413 ? 'too_large' : status === 422 ? 'unprocessable' : 'invalid';
  const told = reason === '' ? FAILURE_MESSAGES.request_rejected : `The provider refuses: ${reason}`;
  return new AppError(kind, 'request_rejected', told, {
    details: { transactionId, ...(param === null ? {} : { param }) },
  });
}

/** The server takes no requests any more. */
export function serverStopping(): AppError {
  return new AppError('unavailable', 'unavailable', 'The server is stopping.');
}

/** The account has as many requests at work as it may. */
export function tooManyRunning(): AppError {
  return new AppError('rate_limited', 'rate_limited', 'As many of your requests are at work as may be.', {
    details: { runningMax: ACCOUNT_RUNNING_MAX, retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}

/** The requester's money doesn't reach for any provider. */
export function insufficientBalance(): AppError {
  return new AppError('payment_required', 'insufficient_balance', 'The available balance is too low.');
}

/** What the API key may spend doesn't reach for any provider. */
export function spendingLimitReached(): AppError {
  return new AppError(
    'payment_required',
    'spending_limit_reached',
    'The API key has spent what it may spend, or the request could cost more than what is left of it.',
  );
}

/** As much is kept for the account as may be: an answer that was promised for a day never goes before. */
export function tooMuchKept(): AppError {
  return new AppError(
    'conflict',
    'limit_reached',
    'As many answers are kept for you as may be, each for a day. A request without Idempotency-Key is served.',
    { details: { keysMax: ACCOUNT_KEYS_MAX, bytesMax: ACCOUNT_KEPT_BYTES_MAX } },
  );
}

/** The first request under the key has not ended. */
export function keyInFlight(): AppError {
  return new AppError(
    'conflict',
    'idempotency_key_in_flight',
    'The request with this Idempotency-Key is still at work. Ask again for its answer.',
    { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
  );
}

/** The failure that an error tells of; one that isn't an attempt's is the server's. */
export function failureOf({ code }: AppError): FailureCode {
  switch (code) {
    case 'provider_failed':
    case 'provider_stalled':
    case 'provider_vanished':
    case 'provider_answer_malformed':
    case 'provider_busy':
    case 'request_timed_out':
      return code;
    default:
      return 'unavailable';
  }
}

/** Refusals that say something about a model and those who serve it. */
const OF_THE_MODEL: ReadonlySet<string> = new Set([
  'model_not_found',
  'feature_not_supported',
  'context_length_exceeded',
  'maximum_cost_exceeded',
  'no_provider_available',
  'no_provider_allowed',
  'provider_failed',
  'provider_stalled',
  'provider_vanished',
  'provider_answer_malformed',
  'provider_busy',
]);

/** True: a request that was refused like this might be served with another model. */
export function mayAnotherModelDo(error: unknown): boolean {
  return error instanceof AppError && OF_THE_MODEL.has(error.code);
}
