import type { Actor } from '../kernel/actor.ts';
import { asId, isUuid, type TenantId } from '../kernel/ids.ts';

/**
 * Whose token this is, user or device, acting in this tenant or (null) in its own; null for a token that nobody has.
 * Refuses with `tenant_not_found` a tenant in which it may not act.
 */
export type Identify = (token: string, tenantId: TenantId | null) => Promise<Actor | null>;

/** The header that says in which of its tenants a user acts. Without it, in its own. */
const TENANT_HEADER = 'x-tenant-id';

/** https://docs.claude.com/en/api/overview#authentication */
const API_KEY_HEADER = 'x-api-key';

/** The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1), null when there is none. */
export function bearerToken(authorization: string | undefined): string | null {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

/**
 * The token that a request shows: `Authorization: Bearer`, or where that isn't there the header in which Anthropic's clients send
 * their key. Null when there is none.
 */
export function shownToken(header: (name: string) => string | undefined): string | null {
  const authorization = header('authorization');
  if (authorization !== undefined) return bearerToken(authorization);
  return /^[\x21-\x7e]+$/.exec(header(API_KEY_HEADER) ?? '')?.[0] ?? null;
}

/**
 * The tenant that a request names in its header; null: none. What is no id is the id of no tenant, and so is answered as
 * one, after the token was looked at.
 */
export function namedTenant(header: (name: string) => string | undefined): TenantId | null {
  const named = header(TENANT_HEADER)?.toLowerCase();
  if (named === undefined) return null;
  return asId<TenantId>(isUuid(named) ? named : NO_TENANT);
}

/** The nil UUID (RFC 9562 section 5.9), which no tenant has. */
const NO_TENANT = '00000000-0000-0000-0000-000000000000';
