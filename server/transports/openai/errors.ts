import type { AppError, ErrorKind } from '../../kernel/errors.ts';
import type { HttpResponse } from '../../platform/http/types.ts';
import { completionErrorHeaders } from '../chat/completion-errors.ts';
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

/** The answer to an error, with the headers that OpenAI's clients obey. */
export function openAiErrorResponse(cause: unknown): HttpResponse {
  const error = toAppError(cause);
  return {
    status: errorTable[error.kind].httpStatus,
    headers: { 'content-type': 'application/json; charset=utf-8', ...completionErrorHeaders(error) },
    body: JSON.stringify({ error: openAiError(error) }),
  };
}
