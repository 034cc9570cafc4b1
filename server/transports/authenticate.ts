import type { Actor } from '../kernel/actor.ts';
import { AppError } from '../kernel/errors.ts';

/** Whose token this is, user or device; null for a token that nobody has. */
export type Identify = (token: string) => Promise<Actor | null>;

/** The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1), null when there is none. */
export function bearerToken(authorization: string | undefined): string | null {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

/** Who sent this `Authorization` header. Refuses with `unauthenticated` when nobody we know did. */
export async function authenticate(identify: Identify, authorization: string | undefined): Promise<Actor> {
  const token = bearerToken(authorization);
  const actor = token === null ? null : await identify(token);
  if (actor) return actor;
  throw new AppError('unauthenticated', 'unauthenticated', 'A valid bearer token is needed.');
}
