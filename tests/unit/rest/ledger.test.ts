import { describe, expect, it } from 'vitest';
import type { LedgerService, StatementPage } from '../../../server/domains/ledger/index.ts';
import { asId, type TransferId } from '../../../server/kernel/ids.ts';
import { createTopUp } from '../../../server/transports/rest/ledger/create-top-up.ts';
import { getBalance } from '../../../server/transports/rest/ledger/get-balance.ts';
import { listEntries } from '../../../server/transports/rest/ledger/list-entries.ts';
import { serving } from './rest-under-test.ts';

const ID = 'abcdef00-0000-4000-8000-00000000000e';
const transferId = asId<TransferId>(ID);

describe('a top-up over REST', () => {
  const asked: bigint[] = [];
  const ledger = {
    topUp: async (_actor, { accountId, amountMicrocents }) => {
      asked.push(amountMicrocents);
      return { transferId, accountId, amountMicrocents, createdAtMs: 0, replayed: false };
    },
  } satisfies Partial<LedgerService> as unknown as LedgerService;
  const topUp = (amount: object) => {
    asked.length = 0;
    const body = JSON.stringify({ userId: ID, ...amount });
    return serving(createTopUp({ ledger })).ask({ token: 'ygu_admin', body });
  };

  it.each([
    [{ amountCents: 1_000 }, 1_000_000_000n, '10'],
    [{ amount: { value: '0.00006', currency: 'EUR' } }, 6_000n, '0.00006'],
    [{ amount: { value: '-1', currency: 'EUR' } }, -100_000_000n, '-1'],
  ])('takes %j, and answers with money', async (amount, microcents, value) => {
    const { status, json } = await topUp(amount);
    expect(status).toBe(201);
    expect(asked).toEqual([microcents]);
    expect(json).toMatchObject({ amount: { value, currency: 'EUR' } });
  });

  it.each([
    {},
    { amountCents: 1, amount: { value: '0.01', currency: 'EUR' } },
    { amountCents: 1.5 },
    { amountCents: '1' },
    { amount: { value: '0.000000001', currency: 'EUR' } },
    { amount: { value: '1e3', currency: 'EUR' } },
    { amount: { value: '1', currency: 'USD' } },
    { amount: { value: 1, currency: 'EUR' } },
    { amount: { value: '1' } },
    { amount: '1' },
  ])('refuses %j', async (amount) => {
    const { status, json } = await topUp(amount);
    expect(status).toBe(400);
    expect(json).toMatchObject({ error: { code: 'invalid_input' } });
    expect(asked).toEqual([]);
  });
});

describe('a balance over REST', () => {
  it('is shown in euros, exact to the micro-cent', async () => {
    const ledger = {
      balance: async () => ({
        availableMicrocents: 123_456_789n,
        heldMicrocents: 1n,
        earningsMicrocents: 0n,
        owedMicrocents: 50_000_000n,
      }),
    } as unknown as LedgerService;
    const { json } = await serving(getBalance({ ledger })).ask({ token: 'ygu_user' });
    const euros = (value: string) => ({ value, currency: 'EUR' });
    expect(json).toEqual({
      available: euros('1.23456789'),
      held: euros('0.00000001'),
      earnings: euros('0'),
      owed: euros('0.5'),
    });
  });
});

const cursorOf = (...positions: readonly string[]) =>
  Buffer.from(JSON.stringify(positions)).toString('base64url');

describe('entries over REST', () => {
  const pages: unknown[] = [];
  const page: StatementPage = {
    entries: [
      {
        position: 17n,
        transferId,
        account: 'earnings',
        kind: 'post',
        transactionId: null,
        amountMicrocents: -3n,
        releaseAtMs: null,
        createdAtMs: 0,
      },
    ],
    nextBefore: { available: 4n, held: 3n, earnings: 17n, receivable: 1n, allowance: 1n },
  };
  const ledger = {
    statement: async (_actor: unknown, asked: unknown) => {
      pages.push(asked);
      return page;
    },
  } as unknown as LedgerService;
  const { ask } = serving(listEntries({ ledger }));

  it('show their position in their account; the cursor of a page asks for the next one', async () => {
    const { json } = await ask({ token: 'ygu_user' });
    expect(json).toMatchObject({
      items: [{ sequence: '17', account: 'earnings', amount: { value: '-0.00000003', currency: 'EUR' } }],
      next: cursorOf('4', '3', '17', '1', '1'),
    });
    await ask({ token: 'ygu_user', query: `after=${cursorOf('4', '3', '17', '1', '1')}` });
    expect(pages.at(-1)).toEqual({ before: page.nextBefore, limit: 50 });
  });

  it.each([
    ['4'],
    ['4', '3', '17'],
    ['4', '3', '17', '1', '1', '1'],
    ['4', '3', '17', 'x', '1'],
    ['-1', '3', '17', '1', '1'],
    ['9'.repeat(19), '1', '1', '1', '1'],
  ])('refuse a cursor of the positions %j', async (...positions) => {
    expect((await ask({ token: 'ygu_user', query: `after=${cursorOf(...positions)}` })).status).toBe(400);
  });
});
