import { describe, expect, it } from 'vitest';
import { Tree } from '../../../server/domains/topics/index.ts';
import { RETAINED_BYTES_MAX, TENANT_RETAINED_BYTES_MAX } from '../../../server/domains/topics/limits.ts';
import { eachItself, QUEUE_LIMITS } from '../../../server/domains/topics/queue-limits.ts';
import { createTopicService } from '../../../server/domains/topics/service.ts';
import type { DroppedMessage } from '../../../server/domains/topics/types.ts';
import { asId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { TreeStoreInMemory } from '../../support/memory-tree.ts';

const OWNER = {
  networkId: asId<NetworkId>('00000000-0000-4000-8000-000000000001'),
  tenantId: asId<TenantId>('00000000-0000-4000-8000-000000000002'),
};
const NOTICE = 'devices/x/dropped/received';
const { sessionMessagesMax: QUEUE_MESSAGES_MAX } = QUEUE_LIMITS;

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

describe('a message that there is no room to retain', () => {
  it('says whose it was, also where nobody is subscribed', async () => {
    const { tree, dropped } = await setUp();
    await tree.visits.resume('ann', { cleanStart: true, expirySeconds: 0 });
    const large = {
      cmd: 'publish',
      topic: 'large',
      payload: Buffer.alloc(RETAINED_BYTES_MAX),
      qos: 1,
    } as const;
    await tree.keep({ ...large, retain: true, clientId: 'ben' }, null);
    await tree.keep({ ...large, payload: Buffer.from('x'), retain: true, clientId: 'ben' }, null);
    expect(dropped).toEqual([{ cause: 'retained_full', clientId: null, publisherId: 'ben', topic: 'large' }]);
  });
});

describe('what is retained in all networks of a tenant', () => {
  it('is bounded together, and no more by a network that is of no use', async () => {
    const clock = new FakeClock();
    const dropped: DroppedMessage[] = [];
    const events = {
      willSaid: () => undefined,
      dropped: (_: unknown, message: DroppedMessage) => void dropped.push(message),
    };
    const payload = Buffer.from('0123456789');
    const ofTenant = { bytes: 0, retainedBytes: 0 };
    const room = { limits: QUEUE_LIMITS, ofTenant, deviceOf: eachItself };
    const open = () => Tree.load(OWNER, { store: new TreeStoreInMemory().open(), clock, events, room });
    const [one, other] = [await open(), await open()];
    const retain = (tree: Tree, topic: string) =>
      tree.keep({ cmd: 'publish', topic, payload, qos: 1, retain: true, clientId: 'ben' }, null);
    await retain(one, 'a');
    // The rest is in other networks.
    const elsewhere = TENANT_RETAINED_BYTES_MAX - ofTenant.retainedBytes;
    ofTenant.retainedBytes += elsewhere;
    await retain(other, 'b');
    expect(dropped.map(({ topic, cause }) => [topic, cause])).toEqual([['b', 'retained_full']]);
    await retain(one, 'a');
    expect(ofTenant.retainedBytes).toBe(TENANT_RETAINED_BYTES_MAX);
    await one.destroy();
    await retain(other, 'b');
    expect(dropped).toHaveLength(1);
    await other.destroy();
    expect(ofTenant).toEqual({ bytes: 0, retainedBytes: elsewhere });
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

describe('what waits', () => {
  const LIMITS = {
    sessionMessagesMax: 100,
    sessionBytesMax: 1e9,
    deviceBytesMax: 1e9,
    networkBytesMax: 1e9,
    tenantBytesMax: 1e9,
  };
  const network = (number: number, tenant = 2) => ({
    networkId: asId<NetworkId>(`00000000-0000-4000-8000-0000000001${number}0`),
    tenantId: asId<TenantId>(`00000000-0000-4000-8000-00000000000${tenant}`),
  });

  /** Trees of networks under these limits, and how many of ten messages of 100 bytes each takes for a client. */
  function trees(limits: Partial<typeof LIMITS>) {
    const clock = new FakeClock();
    const stores = new Map<string, TreeStoreInMemory>();
    const storeOf = ({ networkId }: typeof OWNER) => {
      const store = stores.get(networkId) ?? new TreeStoreInMemory();
      stores.set(networkId, store);
      return store;
    };
    const topics = createTopicService({
      store: {
        load: (owner) => storeOf(owner).load(),
        save: (owner, changes) => storeOf(owner).save(owner, changes),
      },
      clock,
      logger: silentLogger,
      limits: { ...LIMITS, ...limits },
      deviceOf: (client) => client.split(' ')[0] ?? '',
    });
    const fill = async (owner: typeof OWNER, client: string) => {
      const { tree, release } = await topics.open(owner);
      await tree.addSubscriptions({ id: client }, [{ topic: client, qos: 1 }]);
      let taken = 0;
      for (let count = 0; count < 10; count++) {
        const payload = Buffer.alloc(100);
        const kept = {
          cmd: 'publish',
          topic: client,
          payload,
          qos: 1,
          retain: false,
          clientId: 'ben',
        } as const;
        if (!(await tree.keep(kept, null)).droppedFor.includes(client)) taken++;
      }
      return { taken, release };
    };
    return { clock, topics, fill };
  }

  it('is bounded by session, by network and by tenant, and by nobody else’s', async () => {
    const bySession = trees({ sessionMessagesMax: 4 });
    expect((await bySession.fill(network(1), 'ann')).taken).toBe(4);
    expect((await bySession.fill(network(1), 'eve')).taken).toBe(4);
    const byBytes = trees({ sessionBytesMax: 1 });
    expect((await byBytes.fill(network(1), 'ann')).taken).toBe(1);
    const byNetwork = trees({ networkBytesMax: 1 });
    expect((await byNetwork.fill(network(1), 'ann')).taken).toBe(1);
    expect((await byNetwork.fill(network(1), 'eve')).taken).toBe(0);
    expect((await byNetwork.fill(network(2), 'ann')).taken).toBe(1);
    const byTenant = trees({ tenantBytesMax: 1 });
    expect((await byTenant.fill(network(1), 'ann')).taken).toBe(1);
    expect((await byTenant.fill(network(2), 'ann')).taken).toBe(0);
    expect((await byTenant.fill(network(3, 3), 'ann')).taken).toBe(1);
  });

  it('is bounded by device over all its sessions in a network, and has room again when one of them is gone', async () => {
    const byDevice = trees({ deviceBytesMax: 1 });
    const { taken, release } = await byDevice.fill(network(1), 'ann kitchen');
    expect(taken).toBe(1);
    expect((await byDevice.fill(network(1), 'ann hall')).taken).toBe(0);
    expect((await byDevice.fill(network(1), 'eve')).taken).toBe(1);
    expect((await byDevice.fill(network(2), 'ann hall')).taken).toBe(1);
    release();
    const { tree } = await byDevice.topics.open(network(1));
    await tree.cleanSubscriptions({ id: 'ann hall' });
    await tree.cleanSubscriptions({ id: 'ann kitchen' });
    await byDevice.topics.forget(network(1), (client) => client === 'ann kitchen');
    expect((await byDevice.fill(network(1), 'ann hall')).taken).toBe(1);
  });

  it('counts for its tenant while its tree is in use, and again when it is loaded', async () => {
    const { clock, topics, fill } = trees({ tenantBytesMax: 1 });
    const first = await fill(network(1), 'ann');
    first.release();
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await fill(network(2), 'ann')).taken).toBe(1);
    await topics.open(network(1));
    expect((await fill(network(2), 'eve')).taken).toBe(0);
  });
});
