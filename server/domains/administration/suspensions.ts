import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { LiveTenants, SuspensionStore } from './ports.ts';
import type { Suspension } from './types.ts';

/** Tenants that are listed at most: an operator who suspends more reads the database. */
const LISTED_MAX = 1_000;

/** What is told who belongs to a tenant that is suspended. */
export function tenantSuspended(): AppError {
  return new AppError(
    'forbidden',
    'tenant_suspended',
    'The operator of this server has suspended this tenant.',
  );
}

/** Which tenants reach nothing at this moment. Asked at every credential, so it is in memory. */
export class SuspendedTenants {
  #ids: ReadonlySet<TenantId> = new Set();

  has(tenantId: TenantId): boolean {
    return this.#ids.has(tenantId);
  }

  /** Who belongs to a suspended tenant is told so; refuses with `tenant_suspended`. */
  requireActive({ tenantId }: AccountActor): void {
    if (!this.#ids.has(tenantId)) return;
    throw tenantSuspended();
  }

  replace(ids: Iterable<TenantId>): void {
    this.#ids = new Set(ids);
  }
}

/** Suspending tenants: they keep what they have and reach nothing. Each way refuses all but operators with `forbidden`. */
export interface SuspensionService {
  listSuspensions(actor: Actor): Promise<readonly Suspension[]>;
  /**
   * Suspends a tenant, and ends at once what is open there; one that is suspended stays so, for its first reason. Refuses with
   * `tenant_not_found`, and with `conflict` the tenant in which the operator acts.
   */
  suspendTenant(actor: Actor, tenantId: TenantId, reason: string): Promise<Suspension>;
  /** Lets a tenant go on. Refuses with `tenant_not_found` one that isn't suspended. */
  resumeTenant(actor: Actor, tenantId: TenantId): Promise<void>;
  /** Reads who is suspended; before anybody is let in. */
  load(): Promise<void>;
}

/** Builds the service. */
export function createSuspensionService(dependencies: {
  readonly store: SuspensionStore;
  readonly suspended: SuspendedTenants;
  readonly live: LiveTenants;
  readonly clock: Clock;
}): SuspensionService {
  const { store, suspended, live, clock } = dependencies;
  const load = async () => suspended.replace(await store.listIds());
  return {
    load,

    async listSuspensions(actor) {
      requirePermission(actor, 'platform.operate');
      return store.list(LISTED_MAX);
    },

    async suspendTenant(actor, tenantId, reason) {
      const { accountId, tenantId: ownId } = requirePermission(actor, 'platform.operate');
      if (tenantId === ownId) throw new AppError('conflict', 'conflict', 'You act in this tenant.');
      const suspension = await store.add({ tenantId, accountId, reason, suspendedAtMs: clock.nowMs() });
      if (suspension === null) throw notFound('tenant');
      await load();
      // After the commit: who arrives later is refused, who arrived before is found here.
      await live.endTenant(tenantId);
      return suspension;
    },

    async resumeTenant(actor, tenantId) {
      requirePermission(actor, 'platform.operate');
      if (!(await store.remove(tenantId))) throw notFound('tenant');
      await load();
      await live.resumeTenant(tenantId);
    },
  };
}
