import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { notFound } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { SpendingStore } from './ports.ts';
import { requireLimits } from './rules.ts';
import type { Spending, SpendLimits, UnusualDay } from './types.ts';

/** What a tenant may spend in a day and a month of UTC, by its own choice and by the operator's; the smaller one counts. */
export interface SpendingService {
  getSpending(actor: Actor): Promise<Spending>;
  /** The tenant's own limits. Refuses with `amount_out_of_range`. */
  setLimits(actor: Actor, limits: SpendLimits): Promise<Spending>;
  /** For operators: a tenant's quotas. Refuses with `tenant_not_found` and `amount_out_of_range`. */
  setQuotas(actor: Actor, tenantId: TenantId, quotas: SpendLimits): Promise<void>;
  /** Tenants whose day became unusual since this was asked last; each is told of once a day. */
  findUnusual(): Promise<readonly UnusualDay[]>;
  removeOld(): Promise<void>;
}

/** Builds the service. */
export function createSpendingService(dependencies: {
  readonly store: SpendingStore;
  readonly clock: Clock;
}): SpendingService {
  const { store, clock } = dependencies;
  let told: ReadonlySet<string> = new Set();
  return {
    async getSpending(actor) {
      requirePermission(actor, 'money.read');
      return store.read(actor, clock.nowMs());
    },

    async setLimits(actor, limits) {
      requirePermission(actor, 'tenant.manage');
      requireLimits(limits);
      await store.saveLimits(actor, limits);
      return store.read(actor, clock.nowMs());
    },

    async setQuotas(actor, tenantId, quotas) {
      requirePermission(actor, 'platform.operate');
      requireLimits(quotas);
      if (!(await store.saveQuotas(tenantId, quotas))) throw notFound('tenant');
    },

    async findUnusual() {
      const found = await store.listUnusual(clock.nowMs());
      const keyOf = ({ tenantId, day }: UnusualDay) => `${tenantId} ${day}`;
      const before = told;
      told = new Set(found.map(keyOf));
      return found.filter((unusual) => !before.has(keyOf(unusual)));
    },

    removeOld: () => store.removeOld(clock.nowMs()),
  };
}
