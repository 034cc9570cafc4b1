import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { DAY_MS } from '../../../server/kernel/clock.ts';
import type { TransactionId } from '../../../server/kernel/ids.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf, type FakeProvider } from '../../support/market.ts';

const systemRandom = createSystemRandom();
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
let provider: FakeProvider;
beforeEach(async () => {
  market = createMarket(db, { earningsReleaseDelayMs: DAY_MS });
  alice = await market.customer(0);
  // 3.75 cents for 1000 tokens: half of the price of reference.
  provider = await market.provider({ price: '3.75' });
  provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world'], [10, 2]);
});

const grant = (tokens: bigint) =>
  market.allowances.grant(market.administrator, {
    accountId: alice.accountId,
    tokens,
    endsAtMs: market.clock.nowMs() + 30 * DAY_MS,
    idempotencyKey: systemRandom.uuid(),
  });
const left = async () => (await market.allowances.list(alice)).map(({ tokensLeft }) => tokensLeft);

async function buy(): Promise<TransactionId> {
  const answer = await market.requests.createRequest(alice, market.order());
  await eventsOf(answer);
  return answer.transactionId;
}

async function receiptOf(id: string): Promise<Record<string, unknown>> {
  const [row] = await db.database.tenant(
    alice,
    (sql) => sql<{ content: string }[]>`SELECT content FROM audit_receipts WHERE subject_id = ${id}`,
  );
  return JSON.parse(row?.content ?? '{}');
}

describe('a request under an allowance', () => {
  it('needs no money: a model at half of the price of reference uses half a token for each; the provider is paid', async () => {
    await expect(buy()).rejects.toMatchObject({ code: 'insufficient_balance' });
    await grant(1_000n);
    const id = await buy();
    // 12 tokens were billed.
    expect(await left()).toEqual([994n]);
    const transaction = await market.lastTransaction(alice);
    const costMicrocents = 45_000n;
    expect(transaction).toMatchObject({
      billedTokens: 12,
      costMicrocents,
      allowanceMicrocents: costMicrocents,
    });
    expect((await market.ledger.balance(provider.owner)).earningsMicrocents).toBe(39_600n);
    expect(await receiptOf(id)).toMatchObject({ allowanceMicrocents: '45000', costMicrocents: '45000' });
  });

  it('that fails costs nothing of it, and one that was left open by a crash neither', async () => {
    await grant(1_000n);
    provider.onRequest = (request) => market.fail(provider, request.requestId);
    await expect(buy()).rejects.toMatchObject({ code: expect.any(String) });
    expect(await left()).toEqual([1_000n]);
    provider.onRequest = () => undefined;
    const signal = new AbortController();
    const open = market.requests.createRequest(alice, market.order({ signal: signal.signal }));
    open.catch(() => undefined);
    await expect.poll(left).not.toEqual([1_000n]);
    // The next server has nothing but the database.
    const next = createMarket(db, { nodeId: systemRandom.uuid() });
    await next.clock.advance(2 * DAY_MS);
    await next.requests.endAbandoned(false);
    await next.ledger.expireHolds();
    expect(await left()).toEqual([1_000n]);
    signal.abort();
    await Promise.allSettled([open]);
  });

  it('that it does not reach for is paid by both, and refunded to both: money first', async () => {
    await grant(3n);
    await market.topUp(alice, 100);
    const id = await buy();
    // 6 tokens of reference: half of them by the allowance.
    expect(await market.lastTransaction(alice)).toMatchObject({
      costMicrocents: 45_000n,
      allowanceMicrocents: 22_500n,
    });
    expect((await market.ledger.balance(alice)).availableMicrocents).toBe(cents(100) - 22_500n);
    const { id: disputeId } = await market.disputes.open(alice, id, 'other', 'It was nothing.');
    await market.disputes.decide(market.administrator, disputeId, { outcome: 'refunded' }, 'So it was.');
    expect((await market.ledger.balance(alice)).availableMicrocents).toBe(cents(100));
    expect(await left()).toEqual([3n]);
    expect(await market.ledger.trialBalance(market.administrator)).toMatchObject({
      entriesSumMicrocents: 0n,
      mismatchedAccounts: 0,
    });
  });
});
