import type { Headers } from './headers.ts';
import { PREFLIGHT_MAX_AGE_SECONDS, REQUESTED_HEADERS_BYTES_MAX } from './limits.ts';

/** Which pages of other origins may read answers (https://fetch.spec.whatwg.org/#http-cors-protocol). */
export interface Cors {
  /** What every answer to this request says. */
  headersFor(headers: Headers): Readonly<Record<string, string>>;
  /** What the answer to a preflight adds; nothing where it is none, or of an origin that isn't named. */
  preflightHeaders(headers: Headers, methods: readonly string[]): Readonly<Record<string, string>>;
}

/** Headers of ours that a page may read beside the ones that it always may. */
const EXPOSED =
  'X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, ' +
  'Idempotent-Replayed, X-Yggdrasil-Transaction-Id, X-Yggdrasil-Balance-Cents';

/** RFC 9110 section 5.6.2, between commas. */
const HEADER_NAMES = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+(, ?[!#$%&'*+\-.^_`|~\dA-Za-z]+)*$/;

/**
 * Lets pages of these origins in, with whatever headers they send: they bring a token of their own. Cookies are not sent
 * along, since no answer allows credentials. Without an origin no answer says anything.
 */
export function createCors(origins: readonly string[]): Cors {
  const named = new Set(origins);
  if (named.size === 0) return { headersFor: () => NO_HEADERS, preflightHeaders: () => NO_HEADERS };
  const isNamed = (headers: Headers) => named.has(headers.first('origin') ?? '');
  return {
    headersFor(headers) {
      // Also without an origin: a cache must not give that answer to a page.
      if (!isNamed(headers)) return { vary: 'Origin' };
      return {
        vary: 'Origin',
        'access-control-allow-origin': headers.first('origin') ?? '',
        'access-control-expose-headers': EXPOSED,
      };
    },
    preflightHeaders(headers, methods) {
      if (!isNamed(headers) || headers.first('access-control-request-method') === undefined)
        return NO_HEADERS;
      const asked = headers.first('access-control-request-headers') ?? '';
      const isAllowed = asked.length <= REQUESTED_HEADERS_BYTES_MAX && HEADER_NAMES.test(asked);
      return {
        'access-control-allow-methods': methods.join(', '),
        'access-control-max-age': String(PREFLIGHT_MAX_AGE_SECONDS),
        ...(isAllowed ? { 'access-control-allow-headers': asked } : {}),
      };
    },
  };
}

/** What an answer says that is for no page of another origin. */
export const NO_HEADERS: Readonly<Record<string, string>> = {};
