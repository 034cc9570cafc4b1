import { createHash } from 'node:crypto';
import { asId, type LedgerAccountId, type TenantId, type TransferId } from '../../kernel/ids.ts';
import type { Account, LedgerOwner } from './types.ts';

/** Owner of what belongs to the platform: no account is a member of this tenant. */
export const PLATFORM_TENANT_ID = asId<TenantId>('00000000-0000-0000-0000-000000000000');

/** A UUID (version 8, RFC 9562 section 5.8) that follows from `text`: the first 122 free bits of its SHA-256. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * A tenant's account. Its id follows from tenant and kind, so that nobody has to look it up; in whatever case the
 * tenant's id is written, since the database takes both for one.
 */
export function tenantAccount(kind: 'available' | 'held', owner: LedgerOwner): Account {
  const tenantId = asId<TenantId>(owner.tenantId.toLowerCase());
  return { id: asId<LedgerAccountId>(uuidOf(`account|${tenantId}|${kind}`)), tenantId, kind };
}

/** Where the platform's commission goes. */
export const FEES_ACCOUNT: Account = platformAccount('fees');
/** The world outside: every cent in the ledger came from here, so it is as negative as the rest is positive. */
export const EXTERNAL_ACCOUNT: Account = platformAccount('external');

function platformAccount(kind: 'fees' | 'external'): Account {
  return {
    id: asId<LedgerAccountId>(uuidOf(`account|platform|${kind}`)),
    tenantId: PLATFORM_TENANT_ID,
    kind,
  };
}

/**
 * The id of a transfer that follows from what it is for (`parts`), so that a repeated attempt carries the same
 * idempotency key. Different parts give different ids.
 */
export function transferIdFor(...parts: readonly string[]): TransferId {
  return asId<TransferId>(uuidOf(`transfer|${JSON.stringify(parts)}`));
}
