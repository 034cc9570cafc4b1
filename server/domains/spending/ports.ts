import type { Actor } from '../../kernel/actor.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Spending, SpendLimits, UnusualDay } from './types.ts';

/** Where it is kept what tenants may spend, and have spent. */
export interface SpendingStore {
  read(actor: Actor, nowMs: number): Promise<Spending>;
  saveLimits(actor: Actor, limits: SpendLimits): Promise<void>;
  /** False: there is no such tenant. */
  saveQuotas(tenantId: TenantId, quotas: SpendLimits): Promise<boolean>;
  /** Tenants that have spent far more today than they used to. */
  listUnusual(nowMs: number): Promise<readonly UnusualDay[]>;
  removeOld(nowMs: number): Promise<void>;
}
