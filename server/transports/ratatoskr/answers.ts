import { BusinessResponse, encodePayload } from '../../../proto/index.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { HttpResponse, RespondToError } from '../../platform/http/types.ts';
import { wholeBody } from './answer-stream.ts';

/** An answer, or its beginning. */
export interface Answer {
  readonly requestId: string;
  readonly response: Pick<HttpResponse, 'status' | 'headers'>;
  readonly body: Uint8Array;
  /** More of the body follows. */
  readonly more: boolean;
  /** The server's time, of a request that was refused because of its own. */
  readonly serverTimeMs?: number;
}

/** The payload of a BUSINESS_RESPONSE to the message of this number. */
export function encodeAnswer(
  id: number,
  { requestId, response, body, more, serverTimeMs }: Answer,
): Uint8Array {
  const { status, headers } = response;
  return encodePayload(BusinessResponse, {
    request: id,
    status,
    contentType: headers?.['content-type'] ?? '',
    retryAfterSeconds: Number(headers?.['retry-after'] ?? 0),
    requestId,
    body,
    more,
    ...(serverTimeMs === undefined ? {} : { serverTimeMs }),
  });
}

/** The same for a refusal, in the form of the API that `path` belongs to. */
export function encodeRefusal(
  id: number,
  {
    error,
    path,
    serverTimeMs = 0,
  }: { readonly error: AppError; readonly path: string; readonly serverTimeMs?: number },
  {
    respondToError,
    newRequestId,
  }: { readonly respondToError: RespondToError; readonly newRequestId: () => string },
): Uint8Array {
  const requestId = newRequestId();
  const response = respondToError(error, { requestId, path });
  const body = wholeBody(response.body) ?? new Uint8Array(0);
  return encodeAnswer(id, { requestId, response, body, more: false, serverTimeMs });
}
