import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LockService } from '../../../server/domains/locks/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { seedsFrom } from '../../simulation/seeds.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { findViolation, type Holding } from '../../support/lock-history.ts';
import { lockNode, lockOwner, newBus, take } from '../../support/lock-world.ts';
import { createSeededRandom } from '../../support/random.ts';

const CLIENTS = 8;
const HOLDINGS = 5;

let testDatabase: TestDatabase;
let owner: AccountActor;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  owner = await lockOwner(testDatabase);
});
afterAll(() => testDatabase.close());

/** What clients at several nodes, which ask as the seed says, saw of one lock. */
async function historyOf(nodes: readonly LockService[], name: string, seed: number): Promise<Holding[]> {
  let now = 0;
  const history: Holding[] = [];
  const client = async (number: number) => {
    const { fraction } = createSeededRandom(seed * 1_000 + number);
    const nodeOf = () => nodes[Math.floor(fraction() * nodes.length)] as LockService;
    for (let count = 0; count < HOLDINGS; count++) {
      const mode = fraction() < 0.3 ? 'read' : 'write';
      const askedAt = ++now;
      try {
        const waitMs = fraction() < 0.2 ? 0 : 20_000;
        const priority = Math.floor(fraction() * 10);
        const claim = await take(nodeOf(), owner, name, { mode, waitMs, priority });
        const heldAt = ++now;
        // Some turns of the event loop, in which others may come in between.
        for (let turns = Math.floor(fraction() * 5); turns > 0; turns--) await new Promise(setImmediate);
        history.push({ mode, token: claim.token ?? 0, askedAt, heldAt, releasedAt: ++now });
        await nodeOf().release(owner, claim.id);
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'lock_not_granted')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  return history;
}

describe('a lock', () => {
  it.each(seedsFrom(process.env, 2))(
    'of clients at three nodes is linearizable, by seed %i',
    async (seed) => {
      const bus = newBus();
      const nodes = [1, 2, 3].map(() => lockNode(testDatabase, bus));
      const history = await historyOf(nodes, `lock ${seed}`, seed);
      expect(history.length).toBeGreaterThan(CLIENTS);
      expect(findViolation(history)).toBeNull();
    },
  );

  it('that is none is seen by its history', () => {
    const held = { mode: 'write', askedAt: 1, heldAt: 2, releasedAt: 5, token: 1 } as const;
    const later = { mode: 'write', askedAt: 3, heldAt: 6, releasedAt: 7, token: 2 } as const;
    expect(findViolation([later, held])).toBeNull();
    expect(findViolation([held, { ...later, heldAt: 4 }])).toContain('before 1 was given back');
    expect(findViolation([held, { ...later, token: 1 }])).toContain('two have');
    expect(
      findViolation([
        { ...held, token: 3 },
        { ...later, askedAt: 8, heldAt: 9, token: 2 },
      ]),
    ).toContain('asked for after');
    const reader = { ...later, mode: 'read' as const, heldAt: 4 };
    expect(findViolation([{ ...held, mode: 'read' }, reader])).toBeNull();
  });
});
