import type { AppError, ErrorKind } from '../../kernel/errors.ts';
import type { HttpResponse } from '../../platform/http/types.ts';
import { completionErrorHeaders } from '../chat/completion-errors.ts';
import { errorTable, toAppError } from '../error-table.ts';

/** Anthropic's types of errors: https://docs.claude.com/en/api/errors. */
const TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  payment_required: 'billing_error',
  forbidden: 'permission_error',
  not_found: 'not_found_error',
  method_not_allowed: 'invalid_request_error',
  conflict: 'invalid_request_error',
  too_large: 'request_too_large',
  unsupported_media_type: 'invalid_request_error',
  unprocessable: 'invalid_request_error',
  rate_limited: 'rate_limit_error',
  unavailable: 'api_error',
  internal: 'api_error',
};

/** Has official clients send the conversation whole, and go on. */
const THREAD_UNSUPPORTED = { error_code: 'thread_unsupported_request', unsupported: ['storage'] };

/** An error as Anthropic's clients read it; `code` and `param` are ours. */
export function anthropicError({ kind, code, publicMessage, details }: AppError): object {
  const param = typeof details?.param === 'string' ? { param: details.param } : {};
  const unsupported = details?.isThread === true ? { details: THREAD_UNSUPPORTED } : {};
  return {
    type: 'error',
    error: { type: TYPES[kind], message: publicMessage, code, ...param, ...unsupported },
  };
}

/** The answer to an error, with the headers that Anthropic's clients obey. */
export function anthropicErrorResponse(cause: unknown): HttpResponse {
  const error = toAppError(cause);
  return {
    status: errorTable[error.kind].httpStatus,
    headers: { 'content-type': 'application/json; charset=utf-8', ...completionErrorHeaders(error) },
    body: JSON.stringify(anthropicError(error)),
  };
}
