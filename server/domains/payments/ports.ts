import type { AccountId, TenantId } from '../../kernel/ids.ts';
import type { PaymentStanding } from './types.ts';

/** Where payment standings are kept. */
export interface PaymentStandingStore {
  /** Null: nobody has confirmed anything. */
  findStanding(tenantId: TenantId): Promise<PaymentStanding | null>;
  saveStanding(
    tenantId: TenantId,
    standing: PaymentStanding,
    confirmedBy: AccountId,
    nowMs: number,
  ): Promise<void>;
}

/** Whose tenant an account's is. */
export interface TenantDirectory {
  /** The tenant that an account owns; null for an account that doesn't exist. */
  findTenantOfAccount(accountId: AccountId): Promise<TenantId | null>;
}

/** Who must know when a tenant can't be paid any more, or can again. */
export interface PayoutListener {
  payoutMethodLost(tenantId: TenantId): void;
  payoutMethodConfirmed(tenantId: TenantId): Promise<void>;
}
