import { expect, it } from 'vitest';
import { ACQUIRE_TIMEOUT_MS } from '../../../server/platform/database/limits.ts';
import { createTransactions } from '../../../server/platform/database/transactions.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createSeededRandom } from '../../support/random.ts';

/** A pool that gives a connection when the test says so; a transaction whose work rejects is rolled back. */
function createPool() {
  const waiting: (() => void)[] = [];
  let rolledBack = 0;
  const begin = async (work: (sql: never) => Promise<unknown>) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work(null as never);
    } catch (error) {
      rolledBack++;
      throw error;
    }
  };
  return {
    pool: { begin } as never,
    giveConnection: () => waiting.shift()?.(),
    rolledBack: () => rolledBack,
  };
}

it('never begins work that waited too long for a connection, since its caller was told so', async () => {
  const clock = new FakeClock();
  const { pool, giveConnection, rolledBack } = createPool();
  const { database, drain } = createTransactions(
    { tenant: pool, identity: pool, relay: pool, money: pool, node: pool },
    () => '',
    { clock, random: createSeededRandom(1) },
  );
  let begun = false;
  const refusal = expect(
    database.system('identity', async () => {
      begun = true;
    }),
  ).rejects.toMatchObject({ code: 'unavailable' });
  clock.advance(ACQUIRE_TIMEOUT_MS);
  await refusal;
  giveConnection();
  await turn();
  expect([begun, rolledBack()]).toEqual([false, 1]);
  await drain();
});

it('leaves work that got its connection in time alone, however long it takes', async () => {
  const clock = new FakeClock();
  const { pool, giveConnection } = createPool();
  const { database } = createTransactions(
    { tenant: pool, identity: pool, relay: pool, money: pool, node: pool },
    () => '',
    { clock, random: createSeededRandom(1) },
  );
  let finish = (_: string) => {};
  const result = database.system(
    'identity',
    () =>
      new Promise<string>((resolve) => {
        finish = resolve;
      }),
  );
  clock.advance(ACQUIRE_TIMEOUT_MS - 1);
  giveConnection();
  await turn();
  clock.advance(ACQUIRE_TIMEOUT_MS);
  finish('done');
  await expect(result).resolves.toBe('done');
});
