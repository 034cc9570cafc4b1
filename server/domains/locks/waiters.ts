import type { Bus } from '../../kernel/bus.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { ClaimKey, ClaimView } from './types.ts';

/** One who waits at this node. */
export interface Waiter {
  readonly key: ClaimKey;
  /** Whose lock it is. */
  readonly tenantId: TenantId;
  /** It waits no more; null: look what became of it. */
  wake(claim: ClaimView | null): void;
}

const keyOf = (principalId: string, claimId: string): string => `${principalId}|${claimId}`;

/** Who waits at this node for a lock, and whom the bus has to tell elsewhere. */
export class Waiters {
  readonly #bus: Bus;
  readonly #waiters = new Map<string, Waiter>();
  readonly #ofTenant = new Map<TenantId, { readonly waiters: Set<Waiter>; readonly end: () => void }>();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  get count(): number {
    return this.#waiters.size;
  }

  has({ principal, id }: Pick<ClaimView, 'principal' | 'id'>): boolean {
    return this.#waiters.has(keyOf(principal.id, id));
  }

  /** The returned function takes it out; false: a later request for the same claim has taken its place. */
  add(waiter: Waiter): () => boolean {
    const key = keyOf(waiter.key.principal.id, waiter.key.claimId);
    const before = this.#waiters.get(key);
    this.#waiters.set(key, waiter);
    const { tenantId } = waiter;
    const known = this.#ofTenant.get(tenantId);
    if (known === undefined) {
      const end = this.#bus.subscribe(`tenant.${tenantId}`, (message) => {
        if (message.kind === 'locks.changed') this.#look(tenantId);
      });
      this.#ofTenant.set(tenantId, { waiters: new Set([waiter]), end });
    } else known.waiters.add(waiter);
    before?.wake(null);
    return () => {
      const isLast = this.#waiters.get(key) === waiter;
      if (isLast) this.#waiters.delete(key);
      this.#forget(waiter);
      return isLast;
    };
  }

  #forget(waiter: Waiter): void {
    const ofTenant = this.#ofTenant.get(waiter.tenantId);
    ofTenant?.waiters.delete(waiter);
    if (ofTenant === undefined || ofTenant.waiters.size > 0) return;
    ofTenant.end();
    this.#ofTenant.delete(waiter.tenantId);
  }

  /** Tells those who wait here, and by the bus those who wait elsewhere. */
  wake(claims: readonly ClaimView[]): void {
    const elsewhere = new Set<TenantId>();
    for (const claim of claims) {
      const waiter = this.#waiters.get(keyOf(claim.principal.id, claim.id));
      if (waiter === undefined) elsewhere.add(claim.tenantId);
      else waiter.wake(claim);
    }
    for (const tenantId of elsewhere) {
      this.#bus.publish(`tenant.${tenantId}`, { kind: 'locks.changed', tenantId });
    }
  }

  /** Has all who wait here look what became of them. */
  wakeAll(): void {
    for (const waiter of [...this.#waiters.values()]) waiter.wake(null);
  }

  #look(tenantId: TenantId): void {
    for (const waiter of [...(this.#ofTenant.get(tenantId)?.waiters ?? [])]) waiter.wake(null);
  }
}
