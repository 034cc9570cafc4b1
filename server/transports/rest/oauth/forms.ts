import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import { toName } from '../../../kernel/name.ts';
import type { HttpRequest, HttpResponse } from '../../../platform/http/types.ts';

/** What RFC 6749 section 5.2 and RFC 8628 section 3.5 call what is wrong. */
type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'unsupported_grant_type'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'
  | 'temporarily_unavailable';

/** A refusal in the words of OAuth. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode;

  constructor(code: OAuthErrorCode, description: string) {
    super(description);
    this.code = code;
  }
}

/** What is refused, in the words of OAuth; what the server refuses before it reads the form, as everywhere else. */
export const oauthErrorSchema = z
  .object({
    error: z.union([z.string(), z.object({ code: z.string(), message: z.string(), requestId: z.string() })]),
    error_description: z.string().optional(),
  })
  .meta({ id: 'OAuthError' });

/** What a form of OAuth may have in bytes: codes and names are far below. */
export const FORM_BYTES_MAX = 8_192;

/**
 * The form in a request's body (RFC 6749 section 3.2): names that we don't know are nobody's business. Throws `invalid_request` for what is no
 * form, and for a name that is given twice.
 */
export function readForm(request: Pick<HttpRequest, 'header' | 'body'>): ReadonlyMap<string, string> {
  const mediaType = (request.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/x-www-form-urlencoded') {
    throw new OAuthError('invalid_request', 'Send a form: application/x-www-form-urlencoded.');
  }
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(new TextDecoder().decode(request.body))) {
    if (values.has(name)) throw new OAuthError('invalid_request', 'A parameter is given twice.');
    // Without a value it counts as not given.
    if (value !== '') values.set(name, value);
  }
  return values;
}

/** What a program calls itself: it is shown to who lets it in, and names its token. No program is registered. */
export function clientNameIn(form: ReadonlyMap<string, string>): string {
  const given = form.get('client_id');
  if (given === undefined) throw new OAuthError('invalid_request', 'client_id is missing.');
  const name = toName(given);
  if (!name.ok) throw new OAuthError('invalid_client', 'client_id must be a name of 100 characters at most.');
  return name.name;
}

/** The answer, or the refusal, as OAuth wants it. Nobody keeps it: it may hold a token. */
export async function answerForm(work: () => Promise<object>): Promise<HttpResponse> {
  try {
    return response(200, await work());
  } catch (error) {
    if (error instanceof OAuthError) {
      return response(400, { error: error.code, error_description: error.message });
    }
    if (!(error instanceof AppError) || error.code !== 'rate_limited') throw error;
    const { retryAfterSeconds } = error.details ?? {};
    const body = { error: 'temporarily_unavailable', error_description: error.publicMessage };
    return response(429, body, { 'retry-after': String(retryAfterSeconds ?? 60) });
  }
}

function response(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      pragma: 'no-cache',
      ...headers,
    },
    body: JSON.stringify(body),
  };
}
