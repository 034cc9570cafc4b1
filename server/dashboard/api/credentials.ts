/**
 * With what requests show who asks. In a cookie that no script reads where the browser keeps one: with TLS, or on the server's own
 * machine. Elsewhere it is a token of this tab.
 */
const STORED_TOKEN = 'yggdrasil-token';

/** What a sign-in answers. */
export interface SignInAnswer {
  /** Null: it is in a cookie. */
  readonly token: string | null;
  /** Goes with the cookie; null: there is none. */
  readonly csrfToken?: string | null;
  /** It is half a sign-in, which a passkey completes. */
  readonly needsPasskey?: boolean;
}

let whenChanged: () => void = () => undefined;

/** Calls it when others are kept, or none any more. */
export function onCredentialsChanged(callback: () => void): void {
  whenChanged = callback;
}

let csrfToken: string | null = null;
let tenantId: string | null = null;

/** True where a cookie for secure connections alone is kept (W3C Secure Contexts). */
export const keepsCookies = (): boolean => window.isSecureContext;

/** Keeps what a sign-in, or a look at who is signed in, gave. */
export function keepCredentials(answer: SignInAnswer): void {
  csrfToken = answer.csrfToken ?? null;
  if (answer.token !== null) sessionStorage.setItem(STORED_TOKEN, answer.token);
  whenChanged();
}

/** Keeps nothing any more. */
export function forgetCredentials(): void {
  csrfToken = null;
  tenantId = null;
  sessionStorage.removeItem(STORED_TOKEN);
  whenChanged();
}

/** The token of this tab; null: there is none. */
export const storedToken = (): string | null => sessionStorage.getItem(STORED_TOKEN);

/** Acts in this tenant from now on; null: in one's own. */
export function actIn(tenant: string | null): void {
  tenantId = tenant;
}

/** The tenant that is acted in; null: one's own. */
export const actsIn = (): string | null => tenantId;

/** The headers that say who asks. */
export function credentialHeaders(method: string): Record<string, string> {
  const token = storedToken();
  return {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(csrfToken !== null && method !== 'GET' ? { 'x-csrf-token': csrfToken } : {}),
    ...(tenantId === null ? {} : { 'x-tenant-id': tenantId }),
  };
}
