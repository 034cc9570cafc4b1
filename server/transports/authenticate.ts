import type { Actor } from '../kernel/actor.ts';

/** Whose token this is, user or device; null for a token that nobody has. */
export type Identify = (token: string) => Promise<Actor | null>;

/** The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1), null when there is none. */
export function bearerToken(authorization: string | undefined): string | null {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}
