import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { HttpRequestHead } from '../../platform/http/types.ts';
import { shownToken } from '../authenticate.ts';

/** A request, as far as cookies go. */
export type CookieRequest = Pick<HttpRequestHead, 'method' | 'header'>;

/**
 * Sign-ins of pages: the token is in a cookie that no script reads, that goes to this host alone and never without TLS
 * (`__Host-`, RFC 6265bis section 4.1.3.2), and that no other site's page sends along (`SameSite=Strict`). What changes something also
 * names the server's own origin, and brings a token that only its pages can read. On the machine itself, over plain HTTP, the cookie
 * has another name and no `Secure`: there browsers refuse one with them, and nobody listens in.
 */
export interface CookieSessions {
  /** The token of the cookie; null: there is none. Refuses with `csrf_refused` what another site's page may have sent. */
  tokenOf(request: CookieRequest): string | null;
  /** Refuses with `csrf_refused` a request that was not made by a page of this server. */
  requireOwnPage(request: CookieRequest): void;
  /** What puts a token into the cookie of who asks, until then, and what a page must send with it. */
  begin(
    request: CookieRequest,
    token: string,
    expiresAtMs: number,
  ): { readonly csrfToken: string; readonly headers: SetCookie };
  /** What a page must send with the cookie; null: the request came without it, or with another credential. */
  csrfTokenOf(request: CookieRequest): string | null;
  /** What takes the cookie away. */
  endHeaders(request: CookieRequest): SetCookie;
  /** What the browser keeps while it is at the provider that it signs in with. */
  pendingHeaders(request: CookieRequest, browserSecret: string, expiresAtMs: number): SetCookie;
  /** What `pendingHeaders` gave the browser; null: it brings none. */
  pendingOf(request: CookieRequest): string | null;
}

/** A header of an answer. */
type SetCookie = Readonly<Record<'set-cookie', string>>;

interface Cookie {
  readonly name: string;
  readonly attributes: string;
}

const SESSION: Cookie = { name: '__Host-yggdrasil', attributes: 'Path=/; Secure; HttpOnly; SameSite=Strict' };
const LOOPBACK_SESSION: Cookie = { name: 'yggdrasil', attributes: 'Path=/; HttpOnly; SameSite=Strict' };
/** The answer of a provider comes from its site, by POST, too: it is held against what this cookie holds, which opens nothing. */
const PENDING: Cookie = {
  name: '__Host-yggdrasil-pending',
  attributes: 'Path=/; Secure; HttpOnly; SameSite=None',
};
/** Without `Secure` a cookie comes along with a link, but not with a form. */
const LOOPBACK_PENDING: Cookie = { name: 'yggdrasil-pending', attributes: 'Path=/; HttpOnly; SameSite=Lax' };
const CSRF_HEADER = 'x-csrf-token';
/** `none`: somebody typed the address. */
const OWN_FETCH_SITES: readonly (string | undefined)[] = ['same-origin', 'none', undefined];
const READING_METHODS: readonly string[] = ['GET', 'HEAD'];

/** Where pages are: `publicOrigin`, or null: at the host that is asked for, as `pageOrigin` says it. */
interface CookieSessionOptions {
  readonly publicOrigin: string | null;
  readonly pageOrigin: (host: string | undefined) => string;
}

/** Builds it. */
export function createCookieSessions(
  { publicOrigin, pageOrigin }: CookieSessionOptions,
  { hash, clock }: { readonly hash: (secret: string) => Uint8Array; readonly clock: Clock },
): CookieSessions {
  const csrfTokenFor = (token: string) => Buffer.from(hash(`csrf:${token}`)).toString('base64url');

  const isOwnPage = (request: CookieRequest): boolean => {
    const origin = request.header('origin') ?? '';
    if (publicOrigin !== null) return origin === publicOrigin;
    return URL.canParse(origin) && new URL(origin).host === request.header('host');
  };

  const onLoopback = (request: CookieRequest) => isPlainLoopback(pageOrigin(request.header('host')));
  const sessionFor = (request: CookieRequest) => (onLoopback(request) ? LOOPBACK_SESSION : SESSION);
  const pendingFor = (request: CookieRequest) => (onLoopback(request) ? LOOPBACK_PENDING : PENDING);

  const setCookie = ({ name, attributes }: Cookie, value: string, expiresAtMs: number): SetCookie => {
    const seconds = Math.max(0, Math.floor((expiresAtMs - clock.nowMs()) / 1000));
    return { 'set-cookie': `${name}=${value}; Max-Age=${seconds}; ${attributes}` };
  };

  return {
    tokenOf(request) {
      // A page of another origin sends no cookie; where a browser did all the same, it says so here.
      if (!OWN_FETCH_SITES.includes(request.header('sec-fetch-site'))) return null;
      const token = cookieValue(request, sessionFor(request));
      if (token === null || READING_METHODS.includes(request.method)) return token;
      if (isOwnPage(request) && request.header(CSRF_HEADER) === csrfTokenFor(token)) return token;
      throw csrfRefused();
    },
    requireOwnPage(request) {
      if (!isOwnPage(request)) throw csrfRefused();
    },
    begin: (request, token, expiresAtMs) => ({
      csrfToken: csrfTokenFor(token),
      headers: setCookie(sessionFor(request), token, expiresAtMs),
    }),
    csrfTokenOf(request) {
      if (shownToken((name) => request.header(name)) !== null) return null;
      const token = cookieValue(request, sessionFor(request));
      return token === null ? null : csrfTokenFor(token);
    },
    endHeaders: (request) => setCookie(sessionFor(request), '', 0),
    pendingHeaders: (request, browserSecret, expiresAtMs) =>
      setCookie(pendingFor(request), browserSecret, expiresAtMs),
    pendingOf: (request) => cookieValue(request, pendingFor(request)),
  };
}

/** True for `http://localhost:8080` and the like, in the form in which URLs write addresses. */
function isPlainLoopback(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  return protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** RFC 6265 section 4.2.1. */
function cookieValue(request: CookieRequest, cookie: Cookie): string | null {
  for (const pair of (request.header('cookie') ?? '').split(';')) {
    const [name, value] = pair.split('=', 2);
    if (name?.trim() === cookie.name && value !== undefined) return value.trim();
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
