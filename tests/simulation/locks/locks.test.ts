import { describe, expect, it } from 'vitest';
import type { Claim, LockCommand } from '../../../server/domains/locks/types.ts';
import { asId, type LockClaimId, type TenantId } from '../../../server/kernel/ids.ts';
import { uuid } from '../../support/frames.ts';
import { MemoryLocks } from '../../support/memory-locks.ts';
import { createSeededRandom } from '../../support/random.ts';
import { seedsFrom } from '../seeds.ts';

const tenantId = asId<TenantId>(uuid(1));
const principal = { kind: 'account', id: uuid(2) } as const;
const scope = { tenantId, networkId: null, deviceId: null };
const SEEDS = seedsFrom(process.env, 8);

let claims = 0;
const newClaimId = () => asId<LockClaimId>(uuid(10_000 + ++claims));

const acquire = (name: string, holder: string, more: Partial<LockCommand & { kind: 'acquire' }> = {}) => ({
  kind: 'acquire' as const,
  claimId: newClaimId(),
  principal,
  scope,
  name,
  holder,
  mode: 'write' as const,
  priority: 5,
  leaseMs: 10_000,
  delayMs: 3_000,
  waitMs: 1_000_000,
  ...more,
});
const keyOf = (claim: Pick<Claim, 'id'>) => ({
  principal,
  claimId: claim.id,
  tenantId,
  networkIds: null,
});

const live = (locks: MemoryLocks) => locks.claims.filter(({ state }) => state !== 'ended');

/**
 * Who waits for whom, by the plainest rule: a claim that waits, for every holder and everybody before it that it can't share the lock
 * with; and whether that goes in a ring, by the closure of it (Warshall). Knows nothing of the product's graph.
 */
function hasRing(locks: MemoryLocks): boolean {
  const all = live(locks);
  const holders = [...new Set(all.map(({ holder }) => holder))];
  const reaches = holders.map(() => holders.map(() => false));
  for (const waiter of all.filter(({ state }) => state === 'waiting')) {
    for (const other of all) {
      if (other === waiter || other.lockId !== waiter.lockId) continue;
      const isBefore =
        other.state === 'held' ||
        other.effectivePriority > waiter.effectivePriority ||
        (other.effectivePriority === waiter.effectivePriority && other.arrival < waiter.arrival);
      if (!isBefore || (other.mode === 'read' && waiter.mode === 'read')) continue;
      (reaches[holders.indexOf(waiter.holder)] as boolean[])[holders.indexOf(other.holder)] = true;
    }
  }
  for (const [via, onwards] of reaches.entries()) {
    for (const from of reaches) {
      if (from[via] === true) for (const [to, isReached] of onwards.entries()) from[to] ||= isReached;
    }
  }
  return reaches.some((row, index) => row[index]);
}

/** What must not be, in words; notes the last tokens. */
function problemsOf(locks: MemoryLocks, tokens: Map<string, number>): string[] {
  const problems: string[] = hasRing(locks) ? ['a ring'] : [];
  for (const { id, lastToken } of locks.locks) {
    const held = locks.claims.filter((claim) => claim.lockId === id && claim.state === 'held');
    if (held.length > 1 && held.some(({ mode }) => mode === 'write')) problems.push('two have it');
    if (lastToken < (tokens.get(id) ?? 0)) problems.push('a token fell');
    tokens.set(id, lastToken);
    const given = locks.claims.filter(({ lockId, token }) => lockId === id && token !== null);
    if (new Set(given.map(({ token }) => token)).size < given.length) problems.push('a token came twice');
  }
  return problems;
}

/** One step of a world: somebody takes, gives back, or is late; or time passes. */
function step(locks: MemoryLocks, random: () => number, holders: number): void {
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
  const dice = random();
  if (dice < 0.6) {
    const holder = `h${Math.floor(random() * holders)}`;
    // One thread of work waits for one lock at a time.
    if (live(locks).some((claim) => claim.holder === holder && claim.state === 'waiting')) return;
    const mode = random() < 0.3 ? 'read' : 'write';
    locks.carryOut(
      acquire(`l${Math.floor(random() * 6)}`, holder, { mode, priority: Math.floor(random() * 10) }),
    );
  } else if (dice < 0.9) {
    const claim = pick(live(locks));
    if (claim !== undefined) locks.carryOut({ kind: 'release', ...keyOf(claim) });
  } else {
    locks.nowMs += Math.floor(random() * 4_000);
    locks.carryOut({ kind: 'tend', tenantId });
  }
}

describe('locks in seeded worlds', () => {
  it.each(SEEDS)(
    'seed %i: are never held against each other, rise in tokens, and leave nobody in a ring',
    (seed) => {
      const random = createSeededRandom(seed).fraction;
      const locks = new MemoryLocks(tenantId);
      const tokens = new Map<string, number>();
      for (let count = 0; count < 100; count++) {
        step(locks, random, 8);
        expect(problemsOf(locks, tokens)).toEqual([]);
      }
    },
  );

  it.each(SEEDS)(
    'seed %i: in a ring of 2 to 20 the right one gives way, and nobody without a ring',
    (seed) => {
      const random = createSeededRandom(seed).fraction;
      const size = 2 + Math.floor(random() * 19);
      const locks = new MemoryLocks(tenantId);
      const members = Array.from({ length: size }, (_, index) => ({
        index,
        name: `h${index}`,
        priority: Math.floor(random() * 10),
      }));
      for (const { index, name, priority } of members)
        locks.carryOut(acquire(`r${index}`, name, { priority }));
      // In any order; who asks last closes the ring.
      const order = [...members].sort(() => random() - 0.5);
      for (const [turn, { index, name, priority }] of order.entries()) {
        const before = locks.claims.length;
        const { outcomes, ends } = locks.carryOut(acquire(`r${(index + 1) % size}`, name, { priority }));
        if (turn < size - 1) expect([ends, locks.claims.length]).toEqual([[], before + 1]);
        else expect([...ends].sort()).toEqual(['deadlock', 'preempted']);
        if (turn === size - 1) expect(outcomes).toHaveLength(1);
      }
      const lowest = Math.min(...members.map(({ priority }) => priority));
      const victim = order.filter(({ priority }) => priority === lowest).at(-1);
      const ended = locks.claims.filter(({ state }) => state === 'ended');
      expect(ended.map(({ holder, end }) => [holder, end]).sort()).toEqual([
        [victim?.name, 'deadlock'],
        [victim?.name, 'preempted'],
      ]);
      // All others come to their end, one after the other.
      for (let left = live(locks); left.length > 0; left = live(locks)) {
        const done = left.find(
          (claim) =>
            claim.state === 'held' &&
            !left.some(({ holder, state }) => holder === claim.holder && state === 'waiting'),
        );
        expect(done).toBeDefined();
        locks.carryOut({ kind: 'release', ...keyOf(done as Claim) });
      }
    },
  );
});

describe('priority', () => {
  it('is inherited by who holds what a higher one waits for, along the whole way', () => {
    const locks = new MemoryLocks(tenantId);
    locks.carryOut(acquire('a', 'low', { priority: 0 }));
    locks.carryOut(acquire('b', 'owner', { priority: 9 }));
    for (const name of ['m1', 'm2', 'm3']) locks.carryOut(acquire('b', name, { priority: 5 }));
    locks.carryOut(acquire('b', 'low', { priority: 0 }));
    // Without inheritance those in between would keep the high one waiting.
    locks.carryOut(acquire('a', 'high', { priority: 8 }));
    const owner = locks.claims.find(({ holder }) => holder === 'owner') as Claim;
    const [woken] = locks.carryOut({ kind: 'release', ...keyOf(owner) }).woken;
    expect([woken?.holder, woken?.effectivePriority]).toEqual(['low', 5]);
    const waiting = locks.claims.find(({ holder, state }) => holder === 'low' && state === 'held');
    expect(waiting?.effectivePriority).toBe(8);
  });

  it('does not let who reads, whoever comes, keep who writes waiting', () => {
    const locks = new MemoryLocks(tenantId);
    locks.carryOut(acquire('a', 'r0', { mode: 'read' }));
    locks.carryOut(acquire('a', 'w'));
    for (const name of ['r1', 'r2']) locks.carryOut(acquire('a', name, { mode: 'read' }));
    const first = locks.claims.find(({ holder }) => holder === 'r0') as Claim;
    const { woken } = locks.carryOut({ kind: 'release', ...keyOf(first) });
    expect(woken.map(({ holder }) => holder)).toEqual(['w']);
  });
});
