import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCK_LIMITS, type LockService } from '../../../server/domains/locks/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { asId, type LockClaimId, type LockId } from '../../../server/kernel/ids.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { lockNode, lockOwner, newBus, take, untilWaiting } from '../../support/lock-world.ts';

let testDatabase: TestDatabase;
let locks: LockService;
let owner: AccountActor;
const random = createSystemRandom();
const newClaimId = () => asId<LockClaimId>(random.uuid());

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  locks = lockNode(testDatabase);
  owner = await lockOwner(testDatabase);
});
afterAll(() => testDatabase.close());

/** The database's clock goes on by so much, for one claim. */
const elapse = (claimId: LockClaimId, ms: number) =>
  testDatabase.database.system(
    'relay',
    (sql) =>
      sql`UPDATE lock_claims SET expires_at = expires_at - ${ms} * interval '1 millisecond' WHERE id = ${claimId}`,
  );
/** Nobody needs to wait for the delay of this lock any more. */
const endDelay = (lockId: LockId) =>
  testDatabase.database.system(
    'relay',
    (sql) =>
      sql`UPDATE locks SET write_delay_until = clock_timestamp(), read_delay_until = clock_timestamp() WHERE id = ${lockId}`,
  );

describe('a lock', () => {
  it('is one holder’s at a time, in the order of the queue, with rising tokens', async () => {
    const first = await take(locks, owner, 'order');
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (number) => {
      const claim = await take(locks, owner, 'order', { priority: number === 3 ? 9 : 5 });
      order.push(number);
      await locks.release(owner, claim.id);
      return claim.token;
    });
    await untilWaiting(locks, owner, 'order', 3);
    await locks.release(owner, first.id);
    expect(first.token).toBe(1);
    expect(await Promise.all(waiting)).toEqual([3, 4, 2]);
    expect(order).toEqual([3, 1, 2]);
  });

  it('is shared by who reads, and nobody who reads overtakes who waits to write', async () => {
    const reader = await take(locks, owner, 'shared', { mode: 'read' });
    const other = await take(locks, owner, 'shared', { mode: 'read' });
    const writer = take(locks, owner, 'shared');
    await untilWaiting(locks, owner, 'shared', 1);
    await expect(take(locks, owner, 'shared', { mode: 'read', waitMs: 0 })).rejects.toMatchObject({
      code: 'lock_not_granted',
    });
    const later = take(locks, owner, 'shared', { mode: 'read' });
    await untilWaiting(locks, owner, 'shared', 2);
    await locks.release(owner, reader.id);
    await locks.release(owner, other.id);
    const written = await writer;
    await locks.release(owner, written.id);
    expect((await later).token).toBeGreaterThan(written.token ?? 0);
  });

  it('leaves the queue with who gives up, is gone, or cancels', async () => {
    const held = await take(locks, owner, 'left');
    await expect(take(locks, owner, 'left', { waitMs: 1 })).rejects.toMatchObject({
      code: 'lock_not_granted',
    });
    const gone = new AbortController();
    const left = take(locks, owner, 'left', {}, gone.signal);
    const claimId = newClaimId();
    const cancelled = take(locks, owner, 'left', { claimId });
    await untilWaiting(locks, owner, 'left', 2);
    gone.abort();
    await expect(left).rejects.toThrow();
    await locks.release(owner, claimId);
    await untilWaiting(locks, owner, 'left', 0);
    locks.lookAgain();
    await expect(cancelled).rejects.toMatchObject({ code: 'lock_not_found' });
    await locks.release(owner, held.id);
  });

  it('is held once by a holder, and a claim’s id stands for one claim', async () => {
    const claimId = newClaimId();
    const held = await take(locks, owner, 'once', { holder: 'me', claimId });
    await expect(take(locks, owner, 'once', { holder: 'me' })).rejects.toMatchObject({
      code: 'lock_already_held',
    });
    expect(await take(locks, owner, 'once', { holder: 'me', claimId })).toMatchObject({
      token: held.token,
      state: 'held',
    });
    await expect(take(locks, owner, 'twice', { holder: 'me', claimId })).rejects.toMatchObject({
      code: 'conflict',
    });
    await locks.release(owner, claimId);
    await expect(locks.release(owner, claimId)).rejects.toMatchObject({ code: 'lock_not_found' });
  });

  it('is lost when its lease is over, given to nobody during its delay, and then to who waits', async () => {
    const held = await take(locks, owner, 'lease', { delayMs: 60_000, leaseMs: 30_000 });
    const waiting = take(locks, owner, 'lease');
    await untilWaiting(locks, owner, 'lease', 1);
    await elapse(held.id, 30_000);
    await locks.expire();
    await expect(locks.renew(owner, held.id, null)).rejects.toMatchObject({ code: 'lock_expired' });
    await untilWaiting(locks, owner, 'lease', 1);
    await expect(take(locks, owner, 'lease', { waitMs: 0, mode: 'read' })).rejects.toMatchObject({
      code: 'lock_not_granted',
    });
    await endDelay(held.lockId);
    await locks.expire();
    expect((await waiting).token).toBe((held.token ?? 0) + 1);
  });

  it('is another one in another tenant, and tells it nothing', async () => {
    const stranger = await lockOwner(testDatabase);
    const mine = await take(locks, owner, 'private');
    const theirs = await take(locks, stranger, 'private');
    expect([mine.token, theirs.token]).toEqual([1, 1]);
    for (const attempt of [
      () => locks.renew(stranger, mine.id, null),
      () => locks.release(stranger, mine.id),
      () => locks.get(stranger, mine.lockId),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'lock_not_found' });
    }
    const page = await locks.list(
      stranger,
      { scope: null, name: null, withIdle: true },
      { after: null, limit: 100 },
    );
    expect(page.items.map(({ id }) => id)).toEqual([theirs.lockId]);
    // Under the same id: neither learns of the other.
    expect((await take(locks, stranger, 'other', { claimId: mine.id })).state).toBe('held');
    expect((await locks.renew(owner, mine.id, null)).lock.name).toBe('private');
  });

  it('is bounded in names, holders and waiters', async () => {
    const limits = { ...LOCK_LIMITS, namesMax: 2, heldByPrincipalMax: 3, waitingByPrincipalMax: 1 };
    const bounded = lockNode(testDatabase, newBus(), limits);
    const somebody = await lockOwner(testDatabase);
    const held = await take(bounded, somebody, 'a');
    await take(bounded, somebody, 'b');
    await expect(take(bounded, somebody, 'c')).rejects.toMatchObject({ code: 'limit_reached' });
    const waiting = take(bounded, somebody, 'a');
    await untilWaiting(bounded, somebody, 'a', 1);
    await expect(take(bounded, somebody, 'b')).rejects.toMatchObject({ code: 'limit_reached' });
    await bounded.release(somebody, held.id);
    expect((await waiting).state).toBe('held');
  });

  it('have names for who wants one, whoever had many before, and tokens that go on', async () => {
    const bounded = lockNode(testDatabase, newBus(), { ...LOCK_LIMITS, namesMax: 2 });
    const somebody = await lockOwner(testDatabase);
    const tokens: (number | null)[] = [];
    for (const name of ['a', 'b', 'c', 'a']) {
      const { id, token } = await take(bounded, somebody, name, { delayMs: 5_000 });
      tokens.push(token);
      await bounded.release(somebody, id);
    }
    expect(tokens).toEqual([1, 1, 2, 2]);
  });
});

describe('several nodes', () => {
  it('wake who waits at another, by the bus, and without it when it looks', async () => {
    const bus = newBus();
    const [here, there, deaf] = [
      lockNode(testDatabase, bus),
      lockNode(testDatabase, bus),
      lockNode(testDatabase),
    ];
    const held = await take(here, owner, 'nodes');
    const woken = take(there, owner, 'nodes');
    await untilWaiting(here, owner, 'nodes', 1);
    await here.release(owner, held.id);
    const next = await woken;
    const late = take(deaf, owner, 'nodes', { leaseMs: 25_000 });
    await untilWaiting(here, owner, 'nodes', 1);
    await here.release(owner, next.id);
    deaf.lookAgain();
    const claim = await late;
    expect(claim.expiresAtMs - claim.atMs).toBe(25_000);
  });

  it('keep what is held and the places of who comes back, when one ends without a word', async () => {
    const before = lockNode(testDatabase);
    const held = await take(before, owner, 'crash');
    const ids = [newClaimId(), newClaimId()] as const;
    const waiting = ids.map((claimId) => take(before, owner, 'crash', { claimId }));
    await untilWaiting(before, owner, 'crash', 2);
    before.stopWaiting();
    for (const claim of waiting) await expect(claim).rejects.toMatchObject({ code: 'unavailable' });
    const after = lockNode(testDatabase);
    const again = ids.map((claimId) => take(after, owner, 'crash', { claimId })).reverse();
    expect((await after.renew(owner, held.id, null)).token).toBe(held.token);
    await after.release(owner, held.id);
    const first = await again[1];
    expect(first?.token).toBe(2);
    await after.release(owner, first?.id as LockClaimId);
    expect((await again[0])?.token).toBe(3);
  });
});
