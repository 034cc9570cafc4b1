import type { HttpResponse } from '../../platform/http/types.ts';
import { errorTable, toAppError } from '../error-table.ts';
import { jsonResponse } from './json-response.ts';

/** The answer to an error: `{ "error": { code, message, details?, requestId } }` with the status of its kind. */
export function errorResponse(error: unknown, requestId: string): HttpResponse {
  const { kind, code, publicMessage, details } = toAppError(error);
  const body = { error: { code, message: publicMessage, ...(details ? { details } : {}), requestId } };
  const response = jsonResponse(errorTable[kind].httpStatus, body);
  // RFC 9110 section 11.6.1
  return kind === 'unauthenticated'
    ? { ...response, headers: { ...response.headers, 'www-authenticate': 'Bearer' } }
    : response;
}
