import type { Microcents } from '../../kernel/money.ts';

/** What may be spent; null: as much as there is. */
export interface SpendLimits {
  readonly dayMicrocentsMax: Microcents | null;
  readonly monthMicrocentsMax: Microcents | null;
}

/** What a tenant may spend and has spent, in this day and this month of UTC. */
export interface Spending {
  /** The tenant's own choice. */
  readonly limits: SpendLimits;
  /** The operator's. */
  readonly quotas: SpendLimits;
  readonly daySpentMicrocents: Microcents;
  readonly monthSpentMicrocents: Microcents;
  /** Set aside for requests that have not ended. It counts against both. */
  readonly heldMicrocents: Microcents;
}

/**
 * Why a request is not begun: with it the day or the month would cost more than it may; or `held`: only what is set aside for others
 * leaves too little, and comes back as they end.
 */
export type QuotaRefusal = 'spend_quota_day' | 'spend_quota_month' | 'spend_quota_held';

/** A tenant whose day is unusual. */
export interface UnusualDay {
  readonly tenantId: string;
  readonly day: string;
}
