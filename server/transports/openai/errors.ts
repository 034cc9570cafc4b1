import type { AppError, ErrorKind } from '../../kernel/errors.ts';
import type { HttpResponse } from '../../platform/http/types.ts';
import { errorTable, toAppError } from '../error-table.ts';

/** OpenAI's classes of errors: https://platform.openai.com/docs/guides/error-codes. */
const TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  payment_required: 'insufficient_quota',
  forbidden: 'permission_error',
  not_found: 'invalid_request_error',
  method_not_allowed: 'invalid_request_error',
  conflict: 'invalid_request_error',
  too_large: 'invalid_request_error',
  unsupported_media_type: 'invalid_request_error',
  unprocessable: 'invalid_request_error',
  rate_limited: 'rate_limit_error',
  unavailable: 'server_error',
  internal: 'server_error',
};

/** An error as OpenAI's clients read it. */
export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string;
}

/** The `error` object of an answer or of a stream's last chunk. */
export function openAiError({ kind, code, publicMessage, details }: AppError): OpenAiError {
  const param = typeof details?.param === 'string' ? details.param : null;
  return { message: publicMessage, type: TYPES[kind], param, code };
}

/**
 * The answer to an error, with `Retry-After` where waiting helps (RFC 9110 section 10.2.3), and with `X-Should-Retry: false`,
 * which OpenAI's clients obey, where repeating the request may cost a second time.
 */
export function openAiErrorResponse(cause: unknown): HttpResponse {
  const error = toAppError(cause);
  const seconds = error.details?.retryAfterSeconds ?? (error.kind === 'unavailable' ? 1 : undefined);
  const transactionId = error.details?.transactionId;
  return {
    status: errorTable[error.kind].httpStatus,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
      ...(error.kind === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {}),
      ...(error.details?.mayRepeat === false ? { 'x-should-retry': 'false' } : {}),
      ...(typeof transactionId === 'string' ? { 'x-yggdrasil-transaction-id': transactionId } : {}),
    },
    body: JSON.stringify({ error: openAiError(error) }),
  };
}
