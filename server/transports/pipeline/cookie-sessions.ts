import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { HttpRequestHead } from '../../platform/http/types.ts';
import { shownToken } from '../authenticate.ts';

/** A request, as far as cookies go. */
export type CookieRequest = Pick<HttpRequestHead, 'method' | 'header'>;

/**
 * Sign-ins of pages: the token is in a cookie that no script reads, that goes to this host alone and never without TLS
 * (`__Host-`, RFC 6265bis section 4.1.3.2), and that no other site's page sends along (`SameSite=Strict`). What is no GET also
 * names the server's own origin, and brings a token that only its pages can read.
 */
export interface CookieSessions {
  /** The token of the cookie; null: there is none. Refuses with `csrf_refused` what another site's page may have sent. */
  tokenOf(request: CookieRequest): string | null;
  /** Refuses with `csrf_refused` a request that was not made by a page of this server. */
  requireOwnPage(request: CookieRequest): void;
  /** What puts a token into the cookie, until then, and what a page must send with it. */
  begin(token: string, expiresAtMs: number): { readonly csrfToken: string; readonly headers: SetCookie };
  /** What a page must send with the cookie; null: the request came without it, or with another credential. */
  csrfTokenOf(request: CookieRequest): string | null;
  /** What takes the cookie away. */
  readonly endHeaders: SetCookie;
  /** What the browser keeps while it is at the provider that it signs in with. */
  pendingHeaders(browserSecret: string, expiresAtMs: number): SetCookie;
  /** What `pendingHeaders` gave the browser; null: it brings none. */
  pendingOf(request: CookieRequest): string | null;
}

/** A header of an answer. */
type SetCookie = Readonly<Record<'set-cookie', string>>;

const COOKIE = '__Host-yggdrasil';
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';
/** The answer of a provider comes from its site, by POST, too: it is held against what this cookie holds, which opens nothing. */
const PENDING_COOKIE = '__Host-yggdrasil-pending';
const PENDING_ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=None';
const CSRF_HEADER = 'x-csrf-token';

/** Builds it. `publicOrigin` null: the server's pages come from the host that is asked for. */
export function createCookieSessions(
  { publicOrigin }: { readonly publicOrigin: string | null },
  { hash, clock }: { readonly hash: (secret: string) => Uint8Array; readonly clock: Clock },
): CookieSessions {
  const csrfTokenFor = (token: string) => Buffer.from(hash(`csrf:${token}`)).toString('base64url');

  const isOwnPage = ({ header }: CookieRequest): boolean => {
    const origin = header('origin') ?? '';
    if (publicOrigin !== null) return origin === publicOrigin;
    return URL.canParse(origin) && new URL(origin).host === header('host');
  };

  const secondsTo = (expiresAtMs: number) => Math.max(0, Math.floor((expiresAtMs - clock.nowMs()) / 1000));

  return {
    tokenOf(request) {
      // A page of another site sends no cookie; where a browser did all the same, it says so here.
      if (request.header('sec-fetch-site') === 'cross-site') return null;
      const token = cookieOf(request);
      if (token === null || request.method === 'GET') return token;
      if (isOwnPage(request) && request.header(CSRF_HEADER) === csrfTokenFor(token)) return token;
      throw csrfRefused();
    },
    requireOwnPage(request) {
      if (!isOwnPage(request)) throw csrfRefused();
    },
    begin(token, expiresAtMs) {
      return {
        csrfToken: csrfTokenFor(token),
        headers: { 'set-cookie': `${COOKIE}=${token}; Max-Age=${secondsTo(expiresAtMs)}; ${ATTRIBUTES}` },
      };
    },
    csrfTokenOf(request) {
      if (shownToken((name) => request.header(name)) !== null) return null;
      const token = cookieOf(request);
      return token === null ? null : csrfTokenFor(token);
    },
    endHeaders: { 'set-cookie': `${COOKIE}=; Max-Age=0; ${ATTRIBUTES}` },
    pendingHeaders: (browserSecret, expiresAtMs) => ({
      'set-cookie': `${PENDING_COOKIE}=${browserSecret}; Max-Age=${secondsTo(expiresAtMs)}; ${PENDING_ATTRIBUTES}`,
    }),
    pendingOf: (request) => cookieOf(request, PENDING_COOKIE),
  };
}

/** RFC 6265 section 4.2.1. */
function cookieOf({ header }: CookieRequest, cookie = COOKIE): string | null {
  for (const pair of (header('cookie') ?? '').split(';')) {
    const [name, value] = pair.split('=', 2);
    if (name?.trim() === cookie && value !== undefined) return value.trim();
  }
  return null;
}

function csrfRefused(): AppError {
  return new AppError(
    'forbidden',
    'csrf_refused',
    'A request with a cookie comes from a page of this server, and brings its X-CSRF-Token.',
  );
}
