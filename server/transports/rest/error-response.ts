import type { HttpResponse } from '../../platform/http/types.ts';
import { errorTable, toAppError } from '../error-table.ts';
import { jsonResponse } from './json-response.ts';

/** The answer to an error: `{ "error": { code, message, details?, requestId } }` with the status of its kind. */
export function errorResponse(error: unknown, { requestId }: { readonly requestId: string }): HttpResponse {
  const { kind, code, publicMessage, details } = toAppError(error);
  const body = { error: { code, message: publicMessage, ...(details ? { details } : {}), requestId } };
  const response = jsonResponse(errorTable[kind].httpStatus, body);
  const headers = {
    // RFC 9110 sections 11.6.1 and 10.2.3
    ...(kind === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {}),
    ...(details?.retryAfterSeconds === undefined ? {} : { 'retry-after': String(details.retryAfterSeconds) }),
  };
  return { ...response, headers: { ...response.headers, ...headers } };
}
