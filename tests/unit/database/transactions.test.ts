import { expect, it } from 'vitest';
import type { TenantId } from '../../../server/kernel/ids.ts';
import { ACQUIRE_TIMEOUT_MS, TRANSACTIONS_WAITING_MAX } from '../../../server/platform/database/limits.ts';
import { Pool } from '../../../server/platform/database/pool.ts';
import { createTransactions } from '../../../server/platform/database/transactions.ts';
import { newOwner } from '../../support/actors.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createSeededRandom } from '../../support/random.ts';

/** Transactions on one connection, which the test gives. */
function setUp() {
  const clock = new FakeClock();
  const waiting: (() => void)[] = [];
  const statements: (string | undefined)[] = [];
  let released = 0;
  const reserve = async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    const statement = ([text]: TemplateStringsArray) => {
      statements.push(text);
      const answer = Promise.resolve(Object.assign([], { command: text }));
      return Object.assign(answer, { execute: () => answer });
    };
    return Object.assign(statement, { release: () => released++ });
  };
  const pool = new Pool({ reserve } as never, 1, clock);
  const transactions = createTransactions(
    { tenant: pool, identity: pool, relay: pool, money: pool, node: pool },
    () => '',
    { clock, random: createSeededRandom(1) },
  );
  return {
    ...transactions,
    clock,
    giveConnection: async () => {
      waiting.shift()?.();
      await turn(5);
    },
    statements,
    released: () => released,
  };
}

it('never begins work that waited too long for a connection, since its caller was told so', async () => {
  const { database, drain, clock, giveConnection, statements, released } = setUp();
  let begun = false;
  const refusal = expect(
    database.system('identity', async () => {
      begun = true;
    }),
  ).rejects.toMatchObject({ code: 'unavailable' });
  clock.advance(ACQUIRE_TIMEOUT_MS);
  await refusal;
  await giveConnection();
  expect([begun, statements, released()]).toEqual([false, [], 1]);
  await drain();
});

it('leaves work that got its connection in time alone, however long it takes', async () => {
  const { database, clock, giveConnection } = setUp();
  let finish = (_: string) => {};
  const result = database.system(
    'identity',
    () =>
      new Promise<string>((resolve) => {
        finish = resolve;
      }),
  );
  clock.advance(ACQUIRE_TIMEOUT_MS - 1);
  await giveConnection();
  clock.advance(ACQUIRE_TIMEOUT_MS);
  finish('done');
  await expect(result).resolves.toBe('done');
});

it('gives a free connection to tenants in turn, whoever waits with how much', async () => {
  const { database, giveConnection } = setUp();
  const [busy, quiet] = [newOwner(), newOwner()];
  const order: TenantId[] = [];
  const ask = (actor: typeof busy) =>
    database.tenant(actor, async () => void order.push(actor.tenantId)).catch(() => 'refused');
  const asked = [busy, busy, busy, busy, quiet].map(ask);
  for (const _ of asked) await giveConnection();
  await Promise.all(asked);
  // The first found the connection free.
  expect(order.indexOf(quiet.tenantId)).toBeLessThanOrEqual(2);
  expect(order).toHaveLength(5);
});

it('refuses what a tenant has waiting past its share, and nobody else for its sake', async () => {
  const { database, clock } = setUp();
  const [busy, quiet] = [newOwner(), newOwner()];
  const codes: unknown[] = [];
  const ask = (actor: typeof busy) =>
    database.tenant(actor, async () => {}).catch((error: { code: string }) => codes.push(error.code));
  const asked = Array.from({ length: TRANSACTIONS_WAITING_MAX }, () => ask(busy));
  await turn(5);
  const refused = codes.length;
  expect(refused).toBeGreaterThan(TRANSACTIONS_WAITING_MAX / 3);
  asked.push(ask(quiet));
  await turn(5);
  expect(codes).toHaveLength(refused);
  clock.advance(ACQUIRE_TIMEOUT_MS);
  await Promise.all(asked);
});

it('passes over work that gave up waiting', async () => {
  const { database, clock, giveConnection, statements } = setUp();
  const [first, second] = [newOwner(), newOwner()];
  let finish = () => {};
  const holding = database.tenant(
    first,
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await giveConnection();
  const late = expect(database.tenant(second, async () => {})).rejects.toMatchObject({ code: 'unavailable' });
  clock.advance(ACQUIRE_TIMEOUT_MS);
  await late;
  const next = database.tenant(first, async () => 'done');
  finish();
  await holding;
  await giveConnection();
  expect(await next).toBe('done');
  expect(statements).not.toContain('ROLLBACK');
});
