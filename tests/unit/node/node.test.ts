import { describe, expect, it } from 'vitest';
import type { Sql } from '../../../server/kernel/database.ts';
import type { NodeId } from '../../../server/kernel/ids.ts';
import { createNode, type NodeStore } from '../../../server/platform/node/index.ts';
import { LEASE_MS } from '../../../server/platform/node/limits.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';

/** Nodes in memory, as the database keeps them. */
class NodesInMemory implements NodeStore {
  readonly fencingNumbers = new Map<NodeId, bigint>();
  readonly jobs = new Map<string, NodeId>();
  renewals = 0;
  asked = 0;
  failing = false;
  #last = 0n;

  async enter(nodeId: NodeId): Promise<bigint> {
    this.fencingNumbers.clear();
    this.jobs.clear();
    this.fencingNumbers.set(nodeId, ++this.#last);
    return this.#last;
  }

  async renew(nodeId: NodeId, fencingNumber: bigint): Promise<boolean> {
    if (this.failing) throw new Error('the database is gone');
    this.renewals++;
    return this.fencingNumbers.get(nodeId) === fencingNumber;
  }

  async isLeaseOver(): Promise<boolean> {
    if (this.failing) throw new Error('the database is gone');
    return true;
  }

  async list(): ReturnType<NodeStore['list']> {
    return [...this.fencingNumbers.keys()].map((id) => ({
      id,
      leaseUntilMs: 0,
      jobs: [...this.jobs.keys()],
    }));
  }

  async leave(nodeId: NodeId): Promise<void> {
    this.fencingNumbers.delete(nodeId);
  }

  async holdForTransaction(_sql: Sql, nodeId: NodeId, fencingNumber: bigint): Promise<boolean> {
    return this.fencingNumbers.get(nodeId) === fencingNumber;
  }

  async takeJob(nodeId: NodeId, _fencingNumber: bigint, job: string): Promise<boolean> {
    this.asked++;
    if (!this.jobs.has(job)) this.jobs.set(job, nodeId);
    return this.jobs.get(job) === nodeId;
  }
}

const noTransaction = {} as Sql;
const random = createSeededRandom(1);

function setUp() {
  const store = new NodesInMemory();
  const clock = new FakeClock();
  const lost: NodeId[] = [];
  const startNode = async () => {
    const node = createNode({
      store,
      clock,
      random,
      logger: silentLogger,
      lost: () => void lost.push(node.nodeId),
    });
    await node.start();
    return node;
  };
  /** Moves on by a third of the lease, `count` times. */
  const thirds = async (count: number) => {
    for (let third = 0; third < count; third++) {
      clock.advance(LEASE_MS / 3);
      await turn(3);
    }
  };
  return { store, lost, startNode, thirds };
}

describe('a node', () => {
  it('has an id of its own for each start, and renews its lease three times in its length', async () => {
    const { store, startNode, thirds } = setUp();
    const first = await startNode();
    await thirds(6);
    expect(store.renewals).toBe(6);
    await first.check();
    await first.stop();
    expect((await startNode()).nodeId).not.toBe(first.nodeId);
  });

  it('that another one has taken over learns it by renewing, once, and serves no more', async () => {
    const { lost, startNode, thirds } = setUp();
    const first = await startNode();
    const second = await startNode();
    await thirds(4);
    expect(lost).toEqual([first.nodeId]);
    await expect(first.check()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(first.require(noTransaction)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await first.take('a job')).toBe(false);
    await second.check();
    await second.require(noTransaction);
  });

  it('that another one has taken over learns it by writing, before it has to renew', async () => {
    const { lost, startNode } = setUp();
    const first = await startNode();
    await startNode();
    await expect(first.require(noTransaction)).rejects.toMatchObject({ code: 'unavailable' });
    expect(lost).toEqual([first.nodeId]);
  });

  it('is not ready while it can not renew, goes on trying, and is ready again when nobody has taken over', async () => {
    const { store, lost, startNode, thirds } = setUp();
    const node = await startNode();
    store.failing = true;
    await thirds(2);
    await node.check();
    await thirds(2);
    await expect(node.check()).rejects.toMatchObject({ code: 'unavailable' });
    store.failing = false;
    await thirds(1);
    await node.check();
    expect(lost).toEqual([]);
  });

  it('knows the nodes of the database, and which of them it is', async () => {
    const { startNode } = setUp();
    await startNode();
    const second = await startNode();
    await second.take('payouts');
    expect(await second.list()).toEqual([
      { id: second.nodeId, isThis: true, leaseUntilMs: 0, jobs: ['payouts'] },
    ]);
  });

  it('takes a job for as long as it runs, asking once', async () => {
    const { store, startNode } = setUp();
    const node = await startNode();
    expect([await node.take('a job'), await node.take('a job'), store.asked]).toEqual([true, true, 1]);
  });

  it('gives its lease back at its end, and renews no more', async () => {
    const { store, startNode, thirds } = setUp();
    const node = await startNode();
    await node.stop();
    await thirds(3);
    expect([store.fencingNumbers.size, store.renewals]).toEqual([0, 0]);
    await expect(node.check()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
