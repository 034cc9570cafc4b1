import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { type AccountId, asId, type TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { TENANTS_PER_OWNER_MAX } from './limits.ts';
import type { BroughtDevices, LiveConnections, TenantStore } from './ports.ts';
import type { JoinedTenant, Tenant } from './types.ts';

/** Tenants that accounts make, name and hand over. */
export interface Ownership {
  /** A further tenant, which the account that asks owns. Refuses with `limit_reached` at 20. */
  createTenant(actor: Actor, name: string): Promise<JoinedTenant>;
  /** Gives the actor's tenant another name. Refuses with `tenant_not_found` any other tenant. */
  renameTenant(actor: Actor, tenantId: TenantId, name: string): Promise<void>;
  /**
   * Makes another member the owner of the actor's tenant with all it has, and the actor an administrator. Who hands over the
   * tenant that was made with it gets a new, empty one as its own, and what it brought elsewhere leaves. Refuses with
   * `tenant_not_found` any other tenant and one that the actor doesn't own any more, and with `member_not_found`.
   */
  handOver(actor: Actor, tenantId: TenantId, to: AccountId): Promise<void>;
}

/** What it needs. */
export interface OwnershipDependencies {
  readonly store: Pick<TenantStore, 'addOwnTenant' | 'renameTenant' | 'handOver'>;
  readonly broughtDevices: BroughtDevices;
  readonly live: LiveConnections;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a tenant is called that takes the place of one that was handed over. */
const NEW_HOME_NAME = 'Home';

/** Builds this part of the service. */
export function createOwnership(dependencies: OwnershipDependencies): Ownership {
  const { store, broughtDevices, live, clock, random } = dependencies;
  const newTenant = (name: string): Tenant => ({
    id: asId<TenantId>(random.uuid()),
    name,
    createdAtMs: clock.nowMs(),
  });
  return {
    async createTenant(actor, name) {
      const { accountId } = requirePermission(actor, 'account.manage');
      const tenant = newTenant(name);
      if (!(await store.addOwnTenant(tenant, accountId, TENANTS_PER_OWNER_MAX))) throw tooManyTenants();
      return { ...tenant, role: 'owner', networkIds: null };
    },

    async renameTenant(actor, tenantId, name) {
      const account = requirePermission(actor, 'tenant.manage');
      if (tenantId !== account.tenantId) throw notFound('tenant');
      if (!(await store.renameTenant(account, name))) throw notFound('tenant');
    },

    async handOver(actor, tenantId, to) {
      const account = requirePermission(actor, 'tenant.manage');
      if (tenantId !== account.tenantId) throw notFound('tenant');
      if (to === account.accountId) throw notFound('member');
      const endConnections = () => live.endAccount({ tenantId, accountId: account.accountId });
      const outcome = await store.handOver(account, to, newTenant(NEW_HOME_NAME)).catch((error: unknown) => {
        // It may be handed over all the same: what the account has open is opened again as the role that it has now.
        endConnections();
        throw error;
      });
      if (outcome.kind === 'not_found') throw notFound('member');
      if (outcome.kind !== 'done') throw notFound('tenant');
      endConnections();
      await broughtDevices.left(outcome.left);
    },
  };
}

function tooManyTenants(): AppError {
  return new AppError('conflict', 'limit_reached', 'You own as many tenants as you may.', {
    details: { tenantsMax: TENANTS_PER_OWNER_MAX },
  });
}
