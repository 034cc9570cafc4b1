import { createHash } from 'node:crypto';
import { InvariantError } from '../../kernel/errors.ts';
import { asId, type LedgerAccountId, type TenantId, type TransferId } from '../../kernel/ids.ts';
import { FEE_SHARDS } from './limits.ts';
import type { Account, AccountKind, ClearingProvider, LedgerOwner, TenantAccountKind } from './types.ts';

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
export function tenantAccount(kind: TenantAccountKind, owner: LedgerOwner): Account {
  return makeAccount(asId<TenantId>(owner.tenantId.toLowerCase()), kind, '');
}

/** All accounts that a tenant can have. */
export type TenantAccounts = Readonly<Record<TenantAccountKind, Account>>;

/** Gives the accounts of a tenant. */
export type TenantAccountsOf = (owner: LedgerOwner) => TenantAccounts;

/** The accounts of a tenant. */
export function tenantAccounts(owner: LedgerOwner): TenantAccounts {
  return {
    available: tenantAccount('available', owner),
    held: tenantAccount('held', owner),
    earnings: tenantAccount('earnings', owner),
    receivable: tenantAccount('receivable', owner),
    allowance: tenantAccount('allowance', owner),
  };
}

/** `tenantAccounts` that computes the ids of a tenant once, and forgets all when it remembers `tenantsMax` tenants. */
export function rememberTenantAccounts(tenantsMax: number): TenantAccountsOf {
  const known = new Map<TenantId, TenantAccounts>();
  return (owner) => {
    let accounts = known.get(owner.tenantId);
    if (accounts === undefined) {
      accounts = tenantAccounts(owner);
      if (known.size >= tenantsMax) known.clear();
      known.set(owner.tenantId, accounts);
    }
    return accounts;
  };
}

const FEE_ACCOUNTS = Array.from({ length: FEE_SHARDS }, (_, shard) =>
  makeAccount(PLATFORM_TENANT_ID, 'fee', String(shard)),
);
const CLEARING_ACCOUNTS: Readonly<Record<ClearingProvider, Account>> = {
  manual: makeAccount(PLATFORM_TENANT_ID, 'clearing', 'manual'),
  stripe: makeAccount(PLATFORM_TENANT_ID, 'clearing', 'stripe'),
  paypal: makeAccount(PLATFORM_TENANT_ID, 'clearing', 'paypal'),
};

/** One of the accounts that the platform's commission goes to: 0 to `FEE_SHARDS - 1`. */
export function feeAccount(shard: number): Account {
  const account = FEE_ACCOUNTS[shard];
  if (account === undefined) throw new InvariantError(`there is no fee account ${shard}`);
  return account;
}

/** All accounts that the platform's commission goes to. */
export const feeAccounts = (): readonly Account[] => FEE_ACCOUNTS;

const ALLOWANCE_SOURCE = makeAccount(PLATFORM_TENANT_ID, 'clearing', 'allowances');

/** Where allowances come from: as negative as what was granted and used, or is left. */
export const allowanceSource = (): Account => ALLOWANCE_SOURCE;

/** What lies at a payment provider: as negative as the money that came in by it and is still in the ledger. */
export function clearingAccount(provider: ClearingProvider): Account {
  return CLEARING_ACCOUNTS[provider];
}

function makeAccount(tenantId: TenantId, kind: AccountKind, part: string): Account {
  return { id: asId<LedgerAccountId>(uuidOf(`account|${tenantId}|${kind}|${part}`)), tenantId, kind, part };
}

/**
 * The id of a transfer that follows from what it is for (`parts`), so that a repeated attempt carries the same
 * idempotency key. Different parts give different ids.
 */
export function transferIdFor(...parts: readonly string[]): TransferId {
  return asId<TransferId>(uuidOf(`transfer|${JSON.stringify(parts)}`));
}
