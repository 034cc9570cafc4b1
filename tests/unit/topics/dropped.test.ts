import { describe, expect, it } from 'vitest';
import { Tree } from '../../../server/domains/topics/index.ts';
import { QUEUE_MESSAGES_MAX } from '../../../server/domains/topics/limits.ts';
import type { DroppedMessage } from '../../../server/domains/topics/types.ts';
import { asId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { TreeStoreInMemory } from '../../support/memory-tree.ts';

const OWNER = {
  networkId: asId<NetworkId>('00000000-0000-4000-8000-000000000001'),
  tenantId: asId<TenantId>('00000000-0000-4000-8000-000000000002'),
};
const NOTICE = 'devices/x/dropped/received';

async function setUp() {
  const clock = new FakeClock();
  const dropped: DroppedMessage[] = [];
  const events = {
    willSaid: () => undefined,
    dropped: (_: unknown, message: DroppedMessage) => void dropped.push(message),
  };
  const store = new TreeStoreInMemory();
  const load = () => Tree.load(OWNER, { store: store.open(), clock, events });
  const tree = await load();
  await tree.visits.resume('ann', { cleanStart: false, expirySeconds: 60 });
  await tree.addSubscriptions({ id: 'ann' }, [{ topic: '#', qos: 1 }]);
  const publish = (topic: string, into = tree) =>
    into.keep(
      { cmd: 'publish', topic, payload: Buffer.from('x'), qos: 1, retain: false, clientId: 'ben' },
      null,
    );
  const waiting = () => {
    const sink = () => undefined;
    const messages = tree.attach('ann', sink);
    tree.detach('ann', sink);
    return messages.map(({ packet }) => packet.topic);
  };
  return { clock, dropped, load, tree, publish, waiting };
}

describe('a queue that is full', () => {
  it('says what it drops, whose and for whom, and has room for the last notice of it alone', async () => {
    const { tree, dropped, publish, waiting } = await setUp();
    const all = Array.from({ length: QUEUE_MESSAGES_MAX + 2 }, (_, number) => publish(`t/${number}`));
    await Promise.all(all);
    const lost = { cause: 'queue_full', clientId: 'ann', publisherId: 'ben' };
    expect(dropped).toEqual([
      { ...lost, topic: `t/${QUEUE_MESSAGES_MAX}` },
      { ...lost, topic: `t/${QUEUE_MESSAGES_MAX + 1}` },
    ]);
    const notice = {
      topic: NOTICE,
      payload: Buffer.from('1'),
      qos: 1,
      retain: true,
      isNotice: true,
    } as const;
    await tree.publish(notice);
    await tree.publish(notice);
    expect(waiting()).toHaveLength(QUEUE_MESSAGES_MAX + 1);
    expect(waiting().filter((topic) => topic === NOTICE)).toHaveLength(1);
  });
});

describe('a session that is over', () => {
  it('says what waited in it, and who published it, also after a restart', async () => {
    const { clock, dropped, load, publish } = await setUp();
    await publish('before');
    const tree = await load();
    await tree.visits.begin();
    await publish('after', tree);
    clock.advance(60_000);
    await tree.destroy();
    const lost = { cause: 'session_expired', clientId: 'ann', publisherId: 'ben' };
    expect(dropped).toEqual([
      { ...lost, topic: 'before' },
      { ...lost, topic: 'after' },
    ]);
  });

  it('says nothing where its client ended it', async () => {
    const { dropped, publish, tree } = await setUp();
    await publish('before');
    await tree.visits.resume('ann', { cleanStart: true, expirySeconds: 60 });
    expect(dropped).toEqual([]);
  });
});
