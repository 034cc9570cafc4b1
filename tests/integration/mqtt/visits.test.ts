import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTreeStore, Tree, type TreeOwner } from '../../../server/domains/topics/index.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addNetwork } from './tree-under-test.ts';

let database: TestDatabase;
let clock: FakeClock;
let owner: TreeOwner;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  clock = new FakeClock();
  owner = await addNetwork(database);
});

/** The tree as a server has it that has just started. One before is left as a crash leaves it. */
async function startTree(): Promise<{ tree: Tree; published: string[] }> {
  const tree = await Tree.load(owner, { store: createTreeStore(database.database), clock });
  const published: string[] = [];
  tree.emit = ({ topic, properties }) => void published.push(`${topic} ${JSON.stringify(properties ?? {})}`);
  await tree.visits.begin();
  return { tree, published };
}

const resume = (tree: Tree, expirySeconds: number, cleanStart = false) =>
  tree.visits.resume('ann', { cleanStart, expirySeconds });
const subscription = { topic: 'a/#', qos: 1, nl: true, rap: true, rh: 2, subscriptionIdentifier: 7 } as const;
const will = (willDelayInterval?: number) => ({
  cmd: 'publish',
  topic: 'will',
  payload: Buffer.from('gone'),
  qos: 1 as const,
  retain: false,
  properties: { contentType: 'text', ...(willDelayInterval === undefined ? {} : { willDelayInterval }) },
});
const message = (expiresInSeconds?: number) => ({
  cmd: 'publish',
  topic: 'a/b',
  payload: Buffer.from('x'),
  qos: 1 as const,
  retain: true,
  properties: {
    userProperties: [
      ['k', 'v'],
      ['k', 'w'],
    ],
    correlationData: Buffer.from([0, 255]),
    ...(expiresInSeconds === undefined ? {} : { messageExpiryInterval: expiresInSeconds }),
  },
});

describe('a session', () => {
  test('ends as many seconds after its client left as it asked for, and not before', async () => {
    const { tree } = await startTree();
    expect(await resume(tree, 10)).toMatchObject({ isPresent: false, expirySeconds: 10 });
    await tree.visits.leave('ann', 10, false);
    clock.advance(9_000);
    expect(await resume(tree, 10)).toMatchObject({ isPresent: true });
    clock.advance(60_000);
    await tree.visits.leave('ann', 5, false);
    clock.advance(5_000);
    expect(await resume(tree, 10)).toMatchObject({ isPresent: false });
  });

  test('with an expiry of 0 ends with its connection, and one without an end never does', async () => {
    const { tree } = await startTree();
    await resume(tree, 60);
    await tree.visits.leave('ann', 0, false);
    expect(await resume(tree, 0xffff_ffff)).toMatchObject({ isPresent: false });
    await tree.visits.leave('ann', 0xffff_ffff, false);
    clock.advance(3_000_000_000);
    expect(await resume(tree, 0)).toMatchObject({ isPresent: true });
  });

  test('goes on after a crash with its options, its messages and their properties, for the time that is left', async () => {
    const before = await startTree();
    await resume(before.tree, 100);
    await before.tree.addSubscriptions({ id: 'ann' }, [subscription]);
    await before.tree.visits.leave('ann', 100, false);
    await before.tree.keep(message(30), null);
    await before.tree.keep(message(), null);
    clock.advance(50_000);

    const { tree } = await startTree();
    const { isPresent, subscriptions } = await resume(tree, 100);
    expect([isPresent, subscriptions]).toEqual([true, [subscription]]);
    const waiting = tree.attach('ann', () => undefined).map(({ packet }) => packet);
    expect(waiting).toHaveLength(2);
    expect(waiting[1]).toMatchObject({
      retain: true,
      properties: { ...message().properties, subscriptionIdentifier: 7 },
    });
    // The first one is over, and the retained message is the second.
    expect(waiting[0]?.messageExpiry).toBeLessThan(clock.nowMs());
    expect([...tree.retainedMatching('a/b')].map(({ properties }) => properties)).toEqual([
      message().properties,
    ]);

    clock.advance(99_000);
    await tree.visits.leave('ann', 100, false);
    clock.advance(99_000);
    const last = await startTree();
    clock.advance(1_000);
    expect(await resume(last.tree, 0)).toMatchObject({ isPresent: false, subscriptions: [] });
  });

  test('whose client was connected in a crash begins to end with the next start', async () => {
    await resume((await startTree()).tree, 10);
    clock.advance(3_600_000);
    const { tree } = await startTree();
    clock.advance(9_000);
    expect(await resume(tree, 10)).toMatchObject({ isPresent: true });
    const again = await startTree();
    clock.advance(10_000);
    expect(await resume(again.tree, 10)).toMatchObject({ isPresent: false });
  });

  test('is given no time where the network has too many, and lasts as one of 3.1.1 once such a client takes it', async () => {
    const { tree } = await startTree();
    await resume(tree, 10);
    await tree.addSubscriptions({ id: 'ann' }, [subscription]);
    await tree.visits.leave('ann', 10, false);
    tree.visits.resumePlain('ann');
    clock.advance(3_600_000);
    expect(await resume(tree, 10)).toMatchObject({ isPresent: true });
    await Promise.all(
      Array.from({ length: 10_000 }, (_, index) =>
        tree.visits.resume(`client ${index}`, { cleanStart: false, expirySeconds: 10 }),
      ),
    );
    const late = await tree.visits.resume('late', { cleanStart: false, expirySeconds: 10 });
    expect(late).toEqual({ isPresent: false, expirySeconds: 0, subscriptions: [] });
  });
});

describe('a will', () => {
  test('is published after its delay, without it, and not where the client comes back before', async () => {
    const { tree, published } = await startTree();
    await resume(tree, 60);
    await tree.putWill({ id: 'ann' }, will(10));
    await tree.visits.leave('ann', 60, true);
    clock.advance(9_999);
    expect(published).toEqual([]);
    await resume(tree, 60);
    await tree.putWill({ id: 'ann' }, will(10));
    clock.advance(60_000);
    expect(published).toEqual([]);
    await tree.visits.leave('ann', 60, true);
    clock.advance(10_000);
    await tree.addSubscriptions({ id: 'ann' }, []);
    expect(published).toEqual(['will {"contentType":"text"}']);
  });

  test('comes with the end of its session at the latest: its expiry, no expiry, or a clean start', async () => {
    const { tree, published } = await startTree();
    for (const end of ['expiry', 'none', 'clean'] as const) {
      const expirySeconds = end === 'none' ? 0 : 5;
      await resume(tree, expirySeconds);
      await tree.putWill({ id: 'ann' }, will(3_600));
      await tree.visits.leave('ann', expirySeconds, true);
      if (end === 'expiry') clock.advance(5_000);
      if (end === 'clean') await resume(tree, 0, true);
      await tree.addSubscriptions({ id: 'ann' }, []);
    }
    expect(published).toHaveLength(3);
  });

  test('that was taken back is never published, also after a crash', async () => {
    const before = await startTree();
    await resume(before.tree, 60);
    await before.tree.putWill({ id: 'ann' }, will(1));
    await before.tree.visits.leave('ann', 60, false);
    const { published } = await startTree();
    clock.advance(60_000);
    expect([before.published, published]).toEqual([[], []]);
  });

  test('whose delay a crash interrupts is published once, when the delay is over', async () => {
    const before = await startTree();
    await resume(before.tree, 60);
    await before.tree.putWill({ id: 'ann' }, will(10));
    await before.tree.visits.leave('ann', 60, true);
    const { tree, published } = await startTree();
    expect(published).toEqual([]);
    clock.advance(10_000);
    await tree.addSubscriptions({ id: 'ann' }, []);
    expect(published).toHaveLength(1);
    expect((await startTree()).published).toEqual([]);
  });
});
