import { isIP } from 'node:net';
import type { RelyingParty } from './webauthn.ts';

/**
 * The server as passkeys know it (Web Authentication Level 3, section 5.1.2): by the domain name of its public address; with none, by
 * `localhost`, for pages on the machine itself. Null: the page is elsewhere, where browsers make no passkeys, or not for this server.
 */
export function relyingPartyOf(publicUrl: string | null, pageOrigin: string): RelyingParty | null {
  const origin = publicUrl ?? pageOrigin;
  if (!URL.canParse(origin)) return null;
  const { protocol, hostname } = new URL(origin);
  if (hostname === 'localhost') return { id: hostname, origin };
  // Anybody may say under which name they ask: only the operator says which is the server's.
  if (publicUrl === null || protocol !== 'https:') return null;
  return isIP(hostname) === 0 && !hostname.startsWith('[') ? { id: hostname, origin } : null;
}
