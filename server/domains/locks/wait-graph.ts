import type { LockId } from '../../kernel/ids.ts';
import type { Claim } from './types.ts';

/** The live claims that there are: those that wait, and those that are held. */
export interface LiveClaims {
  /** Those of a lock, in any order. */
  ofLock(lockId: LockId): readonly Claim[];
  /** Those of a holder, by `holderOf`. */
  ofHolder(holder: string): readonly Claim[];
}

/** One thread of work: claims of one principal in one tenant that have the same holder's name. */
export const holderOf = ({ tenantId, principal, holder }: Claim): string =>
  `${tenantId}|${principal.id}|${holder}`;

/** The highest priority of who waits for what the holder has, also behind others; -1: nobody does. Looks past `ignored`, and adds to it. */
export function inheritedPriority(live: LiveClaims, holder: string, ignored: Set<string>): number {
  if (ignored.has(holder)) return -1;
  ignored.add(holder);
  let highest = -1;
  for (const held of live.ofHolder(holder)) {
    if (held.state !== 'held') continue;
    for (const waiter of live.ofLock(held.lockId)) {
      if (waiter.state !== 'waiting' || ignored.has(holderOf(waiter))) continue;
      highest = Math.max(highest, waiter.priority, inheritedPriority(live, holderOf(waiter), ignored));
    }
  }
  return highest;
}

/** A claim's own priority, or what its holder inherits where that is higher; of one that is held: of those who wait for this lock. */
export function effectivePriorityOf(live: LiveClaims, claim: Claim): number {
  if (claim.state === 'waiting') {
    // Who has one claim alone holds nothing that others wait for.
    if (live.ofHolder(holderOf(claim)).length === 1) return claim.priority;
    return Math.max(claim.priority, inheritedPriority(live, holderOf(claim), new Set()));
  }
  const waiting = live.ofLock(claim.lockId).filter(({ state }) => state === 'waiting');
  return Math.max(claim.priority, ...waiting.map((waiter) => effectivePriorityOf(live, waiter)));
}

/** Who waits for a lock, in the order in which it is given: the highest effective priority first, then who came first. */
export function queueOf(live: LiveClaims, lockId: LockId): Claim[] {
  return live
    .ofLock(lockId)
    .filter(({ state }) => state === 'waiting')
    .map((claim) => ({ claim, priority: effectivePriorityOf(live, claim) }))
    .sort((a, b) => b.priority - a.priority || a.claim.arrival - b.claim.arrival)
    .map(({ claim }) => claim);
}

/** One waits until the other is gone. */
export interface WaitEdge {
  readonly waiter: Claim;
  readonly blocker: Claim;
}

/** For each who waits for the lock whom it waits for: holders it can't share with, and those before it that it can't share with. */
function edgesOf(live: LiveClaims, lockId: LockId): WaitEdge[] {
  const holders = live.ofLock(lockId).filter(({ state }) => state === 'held');
  const edges: WaitEdge[] = [];
  let lastWriter: Claim | null = null;
  let readersSince: Claim[] = [];
  for (const waiter of queueOf(live, lockId)) {
    // Who waits for somebody that waits needn't wait for the holders as well: the one before it does.
    const unshared = waiter.mode === 'write' ? holders : holders.filter(({ mode }) => mode === 'write');
    const before = lastWriter === null ? unshared : [lastWriter];
    const blockers =
      waiter.mode === 'write' && readersSince.length > 0 ? [...readersSince, ...before] : before;
    for (const blocker of blockers) edges.push({ waiter, blocker });
    if (waiter.mode === 'write') {
      lastWriter = waiter;
      readersSince = [];
    } else readersSince.push(waiter);
  }
  return edges;
}

/** Holders that wait for each other in a ring, among those who wait for these locks; null: there are none. */
export function findCycle(live: LiveClaims, lockIds: Iterable<LockId>): readonly WaitEdge[] | null {
  const edges = new Map<string, WaitEdge[]>();
  for (const lockId of lockIds) {
    for (const edge of edgesOf(live, lockId)) {
      const from = holderOf(edge.waiter);
      edges.set(from, [...(edges.get(from) ?? []), edge]);
    }
  }
  const isDone = new Map<string, boolean>();
  const way: WaitEdge[] = [];
  const visit = (holder: string): readonly WaitEdge[] | null => {
    isDone.set(holder, false);
    for (const edge of edges.get(holder) ?? []) {
      way.push(edge);
      const next = holderOf(edge.blocker);
      const known = isDone.get(next);
      if (known === false) return way.slice(way.findIndex(({ waiter }) => holderOf(waiter) === next));
      const found = known === undefined ? visit(next) : null;
      if (found !== null) return found;
      way.pop();
    }
    isDone.set(holder, true);
    return null;
  };
  for (const holder of edges.keys()) {
    if (isDone.has(holder)) continue;
    const cycle = visit(holder);
    if (cycle !== null) return cycle;
  }
  return null;
}

/**
 * Who gives way in a ring: the lowest priority, then who began to wait last. A priority counts with what is inherited from outside of
 * the ring; within it all would inherit the same. Its claim that waits, and the one that the ring waits for.
 */
export function chooseVictim(live: LiveClaims, cycle: readonly WaitEdge[]): WaitEdge {
  const members = cycle.map(({ waiter }) => holderOf(waiter));
  const rated = cycle.map(({ waiter }, index) => {
    const holder = holderOf(waiter);
    const others = new Set(members.filter((member) => member !== holder));
    const own = live.ofHolder(holder).map(({ priority }) => priority);
    const priority = Math.max(...own, inheritedPriority(live, holder, others));
    // The edge before this one ends at the same holder.
    const blocker = (cycle[(index + cycle.length - 1) % cycle.length] as WaitEdge).blocker;
    return { victim: { waiter, blocker }, priority };
  });
  rated.sort((a, b) => a.priority - b.priority || b.victim.waiter.arrival - a.victim.waiter.arrival);
  return (rated[0] as (typeof rated)[number]).victim;
}
