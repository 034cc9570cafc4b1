import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPresenceStore } from '../../../server/domains/presence/index.ts';
import type { SystemJob } from '../../../server/kernel/database.ts';
import { asId, type DeviceId, type TenantId } from '../../../server/kernel/ids.ts';
import {
  createNode,
  createNodeStore,
  fencedDatabase,
  type Node,
} from '../../../server/platform/node/index.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';

let testDatabase: TestDatabase;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.close());
beforeEach(() => testDatabase.database.system('node', (sql) => sql`DELETE FROM nodes`));

async function startNode(): Promise<Node> {
  const node = createNode({
    store: createNodeStore(testDatabase.database),
    clock: new FakeClock(),
    random: createSystemRandom(),
    logger: silentLogger,
    lost: () => {},
  });
  await node.start();
  return node;
}

describe('a transaction that carries the lease', () => {
  it.each<SystemJob>(['relay', 'money'])(
    'of the job %s is carried out while the lease is held',
    async (job) => {
      const node = await startNode();
      const work = testDatabase.database.system(job, async (sql) => {
        await node.require(sql);
        return 'done';
      });
      expect(await work).toBe('done');
    },
  );

  it('is refused after another node has taken over', async () => {
    const { database } = testDatabase;
    const first = await startNode();
    await startNode();
    const late = database.system('relay', (sql) => first.require(sql));
    await expect(late).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('keeps nothing after another node has taken over, also where its end is sent with its last statements, and again', async () => {
    const { database } = testDatabase;
    const first = await startNode();
    const fenced = fencedDatabase(database, first);
    await startNode();
    const add = () =>
      fenced.system('money', (sql, lastly) =>
        lastly(
          () => sql`
            INSERT INTO ledger_accounts (id, tenant_id, kind, part)
            VALUES (gen_random_uuid(), gen_random_uuid(), 'available', 0)`,
        ),
      );
    const count = async () =>
      await database.system('money', (sql) => sql`SELECT count(*) AS accounts FROM ledger_accounts`);
    const before = await count();
    // The first time it learns it, the second time it knows it.
    for (const _ of ['first', 'second']) await expect(add()).rejects.toMatchObject({ code: 'unavailable' });
    expect(await count()).toEqual(before);
  });

  it('is waited for by the node that takes over, so that it commits before or never', async () => {
    const { database } = testDatabase;
    const first = await startNode();
    const order: string[] = [];
    let commit = () => {};
    let holding = () => {};
    const held = new Promise<void>((resolve) => {
      holding = resolve;
    });
    const writing = database
      .system('relay', async (sql) => {
        await first.require(sql);
        holding();
        await new Promise<void>((resolve) => {
          commit = resolve;
        });
      })
      .then(() => order.push('written'));
    await held;
    const second = startNode().then(() => order.push('taken over'));
    // Until the one who takes over is seen to wait for the one who writes.
    await expect
      .poll(() =>
        database.system('node', async (sql) => {
          const rows = await sql`SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`;
          return rows.length;
        }),
      )
      .toBeGreaterThan(0);
    expect(order).toEqual([]);
    commit();
    await Promise.all([writing, second]);
    expect(order.sort()).toEqual(['taken over', 'written']);
  });

  it('does not keep a node from renewing', async () => {
    const { database } = testDatabase;
    const store = createNodeStore(database);
    const node = await startNode();
    const renewed = database.system('relay', async (sql) => {
      await node.require(sql);
      return store.renew(node.nodeId, await fencingNumberOf(node), 1_000);
    });
    expect(await renewed).toBe(true);
  });
});

async function fencingNumberOf(node: Node): Promise<bigint> {
  return testDatabase.database.system('node', async (sql) => {
    const [row] = await sql<{ fencing_number: bigint }[]>`
      SELECT fencing_number FROM nodes WHERE id = ${node.nodeId}`;
    return row?.fencing_number ?? 0n;
  });
}

describe('the lease of the last node', () => {
  it.each([
    ['is over when it was not renewed in time', '-1 second', true],
    ['is not over before', '1 minute', false],
  ])('%s', async (_what, left, over) => {
    const { database } = testDatabase;
    const node = await startNode();
    await database.system('node', (sql) => sql`UPDATE nodes SET lease_until = now() + ${left}::interval`);
    expect(await node.isLeaseOver()).toBe(over);
  });

  it('is not over when no node has entered', async () => {
    const node = await startNode();
    await node.stop();
    expect(await node.isLeaseOver()).toBe(false);
  });
});

describe('a job', () => {
  it('is one node’s until the lease of that node is over', async () => {
    const { database } = testDatabase;
    const store = createNodeStore(database);
    const first = await startNode();
    const secondId = asId<typeof first.nodeId>(uuid(90));
    await database.system(
      'node',
      (sql) => sql`
        INSERT INTO nodes (id, fencing_number, lease_until) VALUES (${secondId}, 0, now() + interval '1 hour')`,
    );
    expect(await first.take('a job')).toBe(true);
    expect(await store.takeJob(secondId, 0n, 'a job')).toBe(false);
    await database.system(
      'node',
      (sql) => sql`UPDATE nodes SET lease_until = now() - interval '1 second' WHERE id = ${first.nodeId}`,
    );
    expect(await store.takeJob(secondId, 0n, 'a job')).toBe(true);
    const late = database.system('relay', (sql) => first.require(sql));
    await expect(late).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('presence', () => {
  it('names the node of each connected device, and goes with the node', async () => {
    const { database } = testDatabase;
    const node = await startNode();
    const store = createPresenceStore(database, node);
    const change = (number: number, connectedAtMs: number | null) => ({
      deviceId: asId<DeviceId>(uuid(number)),
      tenantId: asId<TenantId>(uuid(10)),
      connectedAtMs,
    });
    await store.saveChanges([change(1, 1_000), change(2, 2_000)]);
    await store.saveChanges([change(1, null), change(2, 3_000)]);
    const connected = () =>
      database.system(
        'relay',
        (sql) => sql`SELECT device_id, node_id, connected_at FROM presence ORDER BY device_id`,
      );
    expect([...(await connected())]).toEqual([
      { device_id: uuid(2), node_id: node.nodeId, connected_at: new Date(3_000) },
    ]);
    await node.stop();
    expect([...(await connected())]).toEqual([]);
  });
});
