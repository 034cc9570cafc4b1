import { asId, type LockClaimId, type LockId, type NetworkId, type TenantId } from '../../kernel/ids.ts';
import type { Claim, ClaimKey, ClaimView, Lock, LockName, LockPrincipal, LockScope } from './types.ts';
import { effectivePriorityOf, holderOf, type LiveClaims, queueOf } from './wait-graph.ts';

/** What is read before commands are carried out: the locks that they name, and all that somebody of their tenants waits for. */
export interface LoadedLocks {
  /** The database's time. */
  readonly nowMs: number;
  readonly locks: readonly Lock[];
  readonly claims: readonly Claim[];
  /** Where the tokens of a new name begin, by scope: the highest of those that were forgotten. */
  readonly tokenFloors: ReadonlyMap<string, number>;
  readonly counts: readonly TenantCount[];
  /** Numbers for claims that begin to wait, one for each command. */
  readonly arrivals: readonly number[];
}

/** What one account or device has in a tenant, and how many names the tenant has. */
export interface TenantCount {
  readonly tenantId: TenantId;
  readonly names: number;
  readonly principals: readonly {
    readonly principalId: string;
    readonly held: number;
    readonly waiting: number;
  }[];
}

/** What commands have changed. */
export interface LockChanges {
  readonly locks: readonly Lock[];
  readonly claims: readonly Claim[];
  readonly removed: readonly Claim[];
}

/** A scope as a key: its ids are unique among tenants, networks and devices. */
export const scopeIdOf = ({ tenantId, networkId, deviceId }: LockScope): string =>
  networkId ?? deviceId ?? tenantId;

const nameKey = ({ scope, name }: LockName): string => `${scope.tenantId}|${scopeIdOf(scope)}|${name}`;
const claimKey = (principal: LockPrincipal, id: LockClaimId): string => `${principal.id}|${id}`;

/** Sets by key, without empty ones. */
class Grouped<Key, Item> {
  readonly #groups = new Map<Key, Set<Item>>();

  get(key: Key): readonly Item[] {
    return [...(this.#groups.get(key) ?? [])];
  }

  add(key: Key, item: Item): void {
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, new Set([item]));
    else group.add(item);
  }

  delete(key: Key, item: Item): void {
    const group = this.#groups.get(key);
    group?.delete(item);
    if (group?.size === 0) this.#groups.delete(key);
  }
}

/** Locks and claims while a transaction works on them: finds them, counts them, and knows what has changed. */
export class LockBook implements LiveClaims {
  readonly nowMs: number;
  readonly #locks = new Map<LockId, Lock>();
  readonly #byName = new Map<string, Lock>();
  readonly #claims = new Map<string, Claim>();
  readonly #ofLock = new Grouped<LockId, Claim>();
  readonly #ofHolder = new Grouped<string, Claim>();
  readonly #names = new Map<TenantId, number>();
  readonly #counts = new Map<string, { held: number; waiting: number }>();
  readonly #floors: ReadonlyMap<string, number>;
  readonly #changedLocks = new Set<Lock>();
  readonly #changedClaims = new Set<Claim>();
  readonly #removed = new Set<Claim>();
  readonly #stored: ReadonlySet<Claim>;
  readonly #arrivals: number[];
  /** Queues in their order, as long as nothing changes. */
  readonly #queues = new Map<LockId, readonly Claim[]>();
  readonly #newId: () => string;

  constructor(loaded: LoadedLocks, newId: () => string) {
    this.nowMs = loaded.nowMs;
    this.#newId = newId;
    this.#floors = loaded.tokenFloors;
    this.#arrivals = [...loaded.arrivals];
    this.#stored = new Set(loaded.claims);
    for (const { tenantId, names, principals } of loaded.counts) {
      this.#names.set(tenantId, names);
      for (const { principalId, held, waiting } of principals) {
        this.#count(tenantId, { held, waiting });
        this.#count(`${tenantId}|${principalId}`, { held, waiting });
      }
    }
    for (const lock of loaded.locks) this.#putLock(lock);
    for (const claim of loaded.claims) this.#index(claim);
  }

  ofLock(lockId: LockId): readonly Claim[] {
    return this.#ofLock.get(lockId);
  }

  ofHolder(holder: string): readonly Claim[] {
    return this.#ofHolder.get(holder);
  }

  /** All locks that were read or made. */
  get locks(): Iterable<Lock> {
    return this.#locks.values();
  }

  lockOf({ lockId }: Pick<Claim, 'lockId'>): Lock {
    return this.#locks.get(lockId) as Lock;
  }

  findLock(name: LockName): Lock | undefined {
    return this.#byName.get(nameKey(name));
  }

  namesOf(tenantId: TenantId): number {
    return this.#names.get(tenantId) ?? 0;
  }

  /** What a tenant has, or one account or device in it. */
  countOf(
    tenantId: TenantId,
    principal?: LockPrincipal,
  ): { readonly held: number; readonly waiting: number } {
    const key = principal === undefined ? tenantId : `${tenantId}|${principal.id}`;
    return this.#counts.get(key) ?? { held: 0, waiting: 0 };
  }

  addLock({ scope, name }: LockName): Lock {
    const lock: Lock = {
      id: asId<LockId>(this.#newId()),
      scope,
      name,
      lastToken: this.#floors.get(`${scope.tenantId}|${scopeIdOf(scope)}`) ?? 0,
      writeDelayUntilMs: 0,
      readDelayUntilMs: 0,
    };
    this.#putLock(lock);
    this.#names.set(scope.tenantId, this.namesOf(scope.tenantId) + 1);
    this.#changedLocks.add(lock);
    return lock;
  }

  /** A claim of this principal, whichever tenant's. */
  findClaim(principal: LockPrincipal, id: LockClaimId): Claim | undefined {
    return this.#claims.get(claimKey(principal, id));
  }

  /** The claim that the key's owner may ask for. */
  findOwn({ principal, claimId, tenantId, networkIds }: ClaimKey): Claim | undefined {
    const claim = this.findClaim(principal, claimId);
    if (claim === undefined || (tenantId !== null && claim.tenantId !== tenantId)) return undefined;
    const { networkId } = this.lockOf(claim).scope;
    return isVisible(networkId, networkIds) ? claim : undefined;
  }

  nextArrival(): number {
    return this.#arrivals.shift() as number;
  }

  addClaim(claim: Claim): void {
    this.#index(claim);
    this.#countClaim(claim, 1);
    this.#changedClaims.add(claim);
  }

  /** Changes a claim; all counts and indexes follow. */
  change(claim: Claim, change: Partial<Omit<Claim, 'id' | 'principal'>>): void {
    this.#unindex(claim);
    this.#countClaim(claim, -1);
    Object.assign(claim, change);
    this.#index(claim);
    this.#countClaim(claim, 1);
    this.#changedClaims.add(claim);
  }

  changeLock(lock: Lock, change: Partial<Omit<Lock, 'id' | 'scope' | 'name'>>): void {
    Object.assign(lock, change);
    this.#changedLocks.add(lock);
  }

  removeClaim(claim: Claim): void {
    this.#unindex(claim);
    this.#countClaim(claim, -1);
    this.#claims.delete(claimKey(claim.principal, claim.id));
    this.#changedClaims.delete(claim);
    if (this.#stored.has(claim)) this.#removed.add(claim);
  }

  /** Notes what each inherits by now. */
  updatePriorities(): void {
    for (const claim of this.#claims.values()) {
      if (claim.state === 'ended') continue;
      const effectivePriority = effectivePriorityOf(this, claim);
      if (effectivePriority === claim.effectivePriority) continue;
      claim.effectivePriority = effectivePriority;
      this.#changedClaims.add(claim);
    }
  }

  changes(): LockChanges {
    return {
      locks: [...this.#changedLocks],
      claims: [...this.#changedClaims],
      removed: [...this.#removed],
    };
  }

  /** The claim as it is now, for whoever asked. */
  view(claim: Claim, lost: readonly LockClaimId[]): ClaimView {
    const { id, scope, name } = this.lockOf(claim);
    const position = claim.state === 'waiting' ? this.#queueOf(id).indexOf(claim) : null;
    return { ...claim, lock: { id, scope, name }, atMs: this.nowMs, position, lost };
  }

  #queueOf(lockId: LockId): readonly Claim[] {
    const known = this.#queues.get(lockId);
    if (known !== undefined) return known;
    const queue = queueOf(this, lockId);
    this.#queues.set(lockId, queue);
    return queue;
  }

  #putLock(lock: Lock): void {
    this.#locks.set(lock.id, lock);
    this.#byName.set(nameKey(lock), lock);
  }

  #index(claim: Claim): void {
    this.#claims.set(claimKey(claim.principal, claim.id), claim);
    this.#queues.clear();
    if (claim.state === 'ended') return;
    this.#ofLock.add(claim.lockId, claim);
    this.#ofHolder.add(holderOf(claim), claim);
  }

  #unindex(claim: Claim): void {
    this.#queues.clear();
    this.#ofLock.delete(claim.lockId, claim);
    this.#ofHolder.delete(holderOf(claim), claim);
  }

  #countClaim({ state, tenantId, principal }: Claim, by: 1 | -1): void {
    const added = { held: state === 'held' ? by : 0, waiting: state === 'waiting' ? by : 0 };
    this.#count(tenantId, added);
    this.#count(`${tenantId}|${principal.id}`, added);
  }

  #count(key: string, { held, waiting }: { held: number; waiting: number }): void {
    const count = this.#counts.get(key) ?? { held: 0, waiting: 0 };
    this.#counts.set(key, { held: count.held + held, waiting: count.waiting + waiting });
  }
}

/** True where a lock isn't in a network, or in one of these; null: all are seen. */
function isVisible(networkId: NetworkId | null, networkIds: readonly NetworkId[] | null): boolean {
  return networkId === null || networkIds === null || networkIds.includes(networkId);
}
