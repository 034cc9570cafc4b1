import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createDisputeService,
  createDisputeStore,
  type Ruling,
} from '../../../server/domains/disputes/index.ts';
import {
  ANSWER_MS,
  DECISION_MS,
  OPEN_DISPUTES_MAX,
  STATEMENTS_MAX,
} from '../../../server/domains/disputes/limits.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { DAY_MS } from '../../../server/kernel/clock.ts';
import type { Database } from '../../../server/kernel/database.ts';
import { asId, type DisputeId, type TransactionId } from '../../../server/kernel/ids.ts';
import { createSecretBox } from '../../../server/platform/secrets/index.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { addColleague } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';
import { cents, createMarket, eventsOf, type FakeProvider, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
let provider: FakeProvider;
/** Alice has paid 12 cents, of which the provider's owner has earned 10.56. */
let transactionId: TransactionId;
beforeEach(async () => {
  market = createMarket(db, { earningsReleaseDelayMs: DAY_MS });
  alice = await market.customer(1_000);
  provider = await market.provider();
  provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' world'], [10, 2]);
  transactionId = await buy();
});

async function buy(actor = alice): Promise<TransactionId> {
  const answer = await market.requests.createRequest(actor, market.order());
  await eventsOf(answer);
  return answer.transactionId;
}

const open = (id = transactionId, actor = alice) =>
  market.disputes.open(actor, id, 'wrong_answer', 'It said hello to somebody else.');
const refusal = (code: string) => expect.objectContaining({ code });
/** What alice can spend, and what the provider's owner can and will. */
const money = async () => {
  const theirs = await market.ledger.balance(provider.owner);
  return [(await market.balance(alice)).available, theirs.availableMicrocents, theirs.earningsMicrocents];
};
const decide = (id: DisputeId, ruling: Ruling) =>
  market.disputes.decide(market.administrator, id, ruling, 'We have looked.');
const release = async () => {
  market.clock.advance(DAY_MS);
  await market.ledger.releaseEarnings();
};
async function expectBooksInOrder() {
  expect((await market.ledger.verify(null)).totalsMatch).toBe(true);
  expect(await market.ledger.trialBalance(market.administrator)).toMatchObject({
    entriesSumMicrocents: 0n,
    mismatchedAccounts: 0,
  });
}

describe('a dispute', () => {
  it('keeps the earnings from their release until it is decided, and both sides read the same of it but who the other is', async () => {
    const ours = await open();
    expect(ours).toMatchObject({ side: 'requester', state: 'open', costMicrocents: cents(12) });
    await release();
    expect(await money()).toEqual([988, 0n, cents(10.56)]);
    const said = await market.disputes.say(provider.owner, ours.id, 'It was asked to say that.');
    expect(said.statements).toMatchObject([
      { side: 'requester', text: 'It said hello to somebody else.' },
      { side: 'provider', text: 'It was asked to say that.' },
    ]);
    const theirs = await market.disputes.get(provider.owner, ours.id);
    expect(theirs).toMatchObject({ side: 'provider', transactionId, costMicrocents: cents(12) });
    const text = (value: unknown) =>
      JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
    for (const id of [alice.tenantId, alice.accountId]) expect(text(theirs)).not.toContain(id);
    const { owner, actor } = provider;
    const mine = text(await market.disputes.get(alice, ours.id));
    for (const id of [owner.tenantId, owner.accountId, actor.deviceId]) expect(mine).not.toContain(id);
    const { items } = await market.disputes.list(owner, 'provider', { state: 'open', after: null, limit: 5 });
    expect(items).toEqual([theirs]);
  });

  it('that an operator finds right gives everything back, to the cent, once; transaction, analytics and receipts say so', async () => {
    const { id } = await open();
    expect(await decide(id, { outcome: 'refunded' })).toMatchObject({ state: 'refunded' });
    await expect(decide(id, { outcome: 'refunded' })).rejects.toEqual(refusal('dispute_decided'));
    await expect(decide(id, { outcome: 'refused' })).rejects.toEqual(refusal('dispute_decided'));
    await expect(market.disputes.say(alice, id, 'More')).rejects.toEqual(refusal('dispute_decided'));
    expect(await money()).toEqual([1_000, 0n, 0n]);
    const refunded = {
      state: 'REFUNDED',
      refundedMicrocents: cents(12),
      refundedEarningsMicrocents: cents(10.56),
    };
    expect(await market.transactions.getTransaction(alice, transactionId)).toMatchObject(refunded);
    expect(await market.transactions.getTransaction(provider.owner, transactionId)).toMatchObject(refunded);
    for (const [actor, role] of [
      [alice, 'requester'],
      [provider.owner, 'provider'],
    ] as const) {
      const asked = {
        role,
        fromMs: null,
        toMs: null,
        step: 'day',
        model: null,
        keyId: null,
        providerId: null,
      } as const;
      expect((await market.analytics.analyse(actor, asked)).totals).toMatchObject({
        completed: 1,
        costMicrocents: cents(12),
        refundedMicrocents: cents(12),
        refundedEarningsMicrocents: cents(10.56),
      });
      const [receipt] = await db.database.tenant(
        actor,
        (sql) => sql<{ content: string }[]>`SELECT content FROM audit_receipts WHERE subject_id = ${id}`,
      );
      expect(JSON.parse(receipt?.content ?? '')).toMatchObject({
        receipt: 'yggdrasil refund 1',
        side: role,
        request: transactionId,
        refundedMicrocents: '12000000',
        rule: 'operator',
      });
    }
    await release();
    expect(await money()).toEqual([1_000, 0n, 0n]);
    await expectBooksInOrder();
  });

  it('that is right in part takes earnings and fee in proportion, and the rest is released', async () => {
    const { id } = await open();
    await decide(id, { outcome: 'refunded_partly', amountMicrocents: cents(3) });
    const transaction = await market.transactions.getTransaction(alice, transactionId);
    expect(transaction).toMatchObject({ state: 'COMPLETED', refundedMicrocents: cents(3) });
    expect(transaction.refundedEarningsMicrocents).toBe(cents(2.64));
    await release();
    expect(await money()).toEqual([991, cents(7.92), 0n]);
    await expectBooksInOrder();
  });

  it('that is wrong leaves everything as it was, and says who decided to operators alone', async () => {
    const { id } = await open();
    const decided = await decide(id, { outcome: 'refused' });
    expect(decided.decisions).toMatchObject([
      {
        outcome: 'refused',
        rule: 'operator',
        reason: 'We have looked.',
        decidedBy: market.administrator.accountId,
      },
    ]);
    await release();
    expect(await money()).toEqual([988, cents(10.56), 0n]);
    await expect(open()).rejects.toEqual(refusal('dispute_exists'));
  });

  it('ends by itself: who does not answer gives back what it earned, who answered keeps it; the platform keeps its part', async () => {
    const { id } = await open();
    const other = await open(await buy());
    await market.disputes.say(provider.owner, other.id, 'It was right.');
    market.clock.advance(ANSWER_MS - 1);
    await market.disputes.decideDue();
    expect(await market.disputes.get(alice, id)).toMatchObject({ state: 'open' });
    market.clock.advance(1);
    await market.disputes.decideDue();
    const ended = await market.disputes.get(alice, id);
    expect(ended).toMatchObject({
      state: 'refunded_partly',
      refundedMicrocents: cents(10.56),
      decisions: [{ rule: 'unanswered', decidedBy: null }],
    });
    market.clock.advance(DECISION_MS - ANSWER_MS);
    await market.disputes.decideDue();
    expect(await market.disputes.get(alice, other.id)).toMatchObject({
      state: 'refused',
      decisions: [{ rule: 'undecided' }],
    });
    await release();
    expect(await money()).toEqual([986.56, cents(10.56), 0n]);
    await expectBooksInOrder();
  });

  it('ends when the provider agrees, which gives back what was earned and no commission, or who opened it takes it back', async () => {
    const { id } = await open();
    expect(await market.disputes.agree(provider.owner, id)).toMatchObject({
      state: 'refunded_partly',
      decisions: [{ rule: 'providers_agreed' }],
    });
    const other = await open(await buy());
    expect(await market.disputes.withdraw(alice, other.id)).toMatchObject({
      state: 'refused',
      decisions: [{ rule: 'withdrawn' }],
    });
    await release();
    expect(await money()).toEqual([986.56, cents(10.56), 0n]);
  });

  it('that is opened while earnings are released holds up no release: what it freezes stays, the rest goes', async () => {
    await buy();
    market.clock.advance(DAY_MS);
    await db.database.system('money', async (sql) => {
      const [frozen] = await sql`
        UPDATE ledger_pending_earnings SET is_frozen = true WHERE transfer_id = (
          SELECT transfer_id FROM ledger_pending_earnings WHERE tenant_id = ${provider.owner.tenantId} LIMIT 1)
        RETURNING 1 AS one`;
      expect(frozen).toEqual({ one: 1 });
      expect(await market.ledger.releaseEarnings()).toBe(1);
    });
    expect(await money()).toEqual([976, cents(10.56), cents(10.56)]);
    await expectBooksInOrder();
  });

  it('decided by two at once is decided once, and no money is made', async () => {
    const { id } = await open();
    const outcomes = await Promise.allSettled([
      decide(id, { outcome: 'refunded' }),
      decide(id, { outcome: 'refused' }),
      decide(id, { outcome: 'refunded_partly', amountMicrocents: cents(1) }),
      market.disputes.agree(provider.owner, id),
      market.disputes.withdraw(alice, id),
    ]);
    const failed = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason.code] : [],
    );
    expect(failed).toEqual(failed.map(() => 'dispute_decided'));
    expect((await market.disputes.get(alice, id)).decisions).toHaveLength(1);
    await expectBooksInOrder();
  });
});

it('about an answer that a machine of one’s own has ended leaves the flat price for that with the platform', async () => {
  market = createMarket(db, {
    earningsReleaseDelayMs: DAY_MS,
    prices: { ownRequestMicrocents: cents(3) },
  });
  const first = await market.provider({ price: 1_000 });
  const own = await market.provider({ model: 'another' });
  const { owner } = own;
  await market.topUp(owner, 1_000);
  const asking = market.requests.createRequest(owner, market.order());
  market.text(first, (await until(() => first.requests.at(-1))).requestId, 0, 'one two three');
  const models = [{ name: 'm', prices: 1_000, contextTokens: 8_192, continuesAnswers: true }];
  await market.providers.offer(own.actor, own.link, { slots: 1, models });
  own.onRequest = (request) => market.answer(own, request, [' four']);
  market.fail(first, (await until(() => first.requests.at(-1))).requestId);
  const answer = await asking;
  const events = await eventsOf(answer);
  // Three tokens at a cent by the other one, and the flat price.
  expect(events.at(-1)).toMatchObject({ kind: 'end', costMicrocents: cents(6) });
  const before = (await market.balance(owner)).available;
  const { id } = await open(answer.transactionId, owner);
  const decided = await market.disputes.decide(
    market.administrator,
    id,
    { outcome: 'refunded' },
    'So it was.',
  );
  expect(decided).toMatchObject({
    state: 'refunded',
    costMicrocents: cents(3),
    refundedMicrocents: cents(3),
  });
  expect((await market.balance(owner)).available).toBe(before + 3);
  await expectBooksInOrder();
});

it('tells the other side by mail, which names nobody, and both how it ended', async () => {
  const mails: { readonly to: string; readonly text: string }[] = [];
  market = createMarket(db, {
    earningsReleaseDelayMs: DAY_MS,
    disputeMail: {
      toAccount: (to, subject, text) => mails.push({ to, text: `${subject} ${text}` }),
      toOwners: (to, subject, text) => mails.push({ to, text: `${subject} ${text}` }),
    },
  });
  provider = await market.provider();
  provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
  alice = await market.customer(1_000);
  const told = () => mails.splice(0).map(({ to }) => to);
  const { id } = await open(await buy(), alice);
  expect(mails[0]?.text).toContain(id);
  expect(mails[0]?.text).not.toContain(alice.accountId);
  expect(mails[0]?.text).not.toContain(alice.tenantId);
  expect(told()).toEqual([provider.owner.tenantId]);
  await market.disputes.say(provider.owner, id, 'It was right.');
  expect(told()).toEqual([alice.accountId]);
  await decide(id, { outcome: 'refused' });
  expect(told()).toEqual([provider.owner.tenantId, alice.accountId]);
});

it('a page of disputes takes no connection for each: all tenants share them', async () => {
  await open();
  await open(await buy());
  let transactions = 0;
  const database: Database = {
    ...db.database,
    system: (job, work) => {
      transactions++;
      return db.database.system(job, work);
    },
  };
  const { ledger, clock } = market;
  const disputes = createDisputeService({
    store: createDisputeStore(database),
    ledger,
    mail: null,
    secretBox: createSecretBox(new Uint8Array(32).fill(1)),
    clock,
    random: createSystemRandom(),
    logger: silentLogger,
  });
  const page = (limit: number) => disputes.list(alice, 'requester', { state: null, after: null, limit });
  expect((await page(1)).items).toHaveLength(1);
  const ofOne = transactions;
  expect((await page(2)).items.map(({ statements }) => statements)).toMatchObject([[{}], [{}]]);
  expect(transactions).toBe(2 * ofOne);
});

describe('refused is', () => {
  it('a dispute about a transaction of somebody else, as about one that does not exist', async () => {
    const bob = await market.customer(10);
    const colleague = await addColleague(db.database, alice);
    for (const actor of [bob, provider.owner, colleague])
      await expect(open(transactionId, actor)).rejects.toEqual(refusal('transaction_not_found'));
    await expect(open(asId(crypto.randomUUID()))).rejects.toEqual(refusal('transaction_not_found'));
  });

  it('one twice, after the release, or about what cost nothing', async () => {
    await open();
    await expect(open()).rejects.toEqual(refusal('dispute_exists'));
    const late = await buy();
    market.clock.advance(DAY_MS);
    await expect(open(late)).rejects.toEqual(refusal('earnings_released'));
    await market.ledger.releaseEarnings();
    await expect(open(late)).rejects.toEqual(refusal('earnings_released'));
    provider.onRequest = ({ requestId }) => market.fail(provider, requestId);
    await expect(buy()).rejects.toThrow();
    const failed = await market.lastTransaction(alice);
    await expect(open(failed?.id)).rejects.toEqual(refusal('transaction_unpaid'));
  });

  it('a part that is nothing, negative, or all and more', async () => {
    const { id } = await open();
    for (const amountMicrocents of [0n, -1n, cents(12), cents(1_000)])
      await expect(decide(id, { outcome: 'refunded_partly', amountMicrocents })).rejects.toEqual(
        refusal('amount_out_of_range'),
      );
    expect(await money()).toEqual([988, 0n, cents(10.56)]);
  });

  it('whoever has no side of it, or the other one, and who is no operator', async () => {
    const { id } = await open();
    const { disputes } = market;
    const bob = await market.customer(0);
    const none = refusal('dispute_not_found');
    await expect(disputes.get(bob, id)).rejects.toEqual(none);
    await expect(disputes.say(bob, id, 'Me too')).rejects.toEqual(none);
    await expect(disputes.agree(alice, id)).rejects.toEqual(none);
    await expect(disputes.withdraw(provider.owner, id)).rejects.toEqual(none);
    await expect(disputes.decide(alice, id, { outcome: 'refunded' }, 'Mine')).rejects.toEqual(
      refusal('forbidden'),
    );
    const query = { state: null, after: null, limit: 10 };
    for (const side of ['requester', 'provider'] as const)
      expect((await disputes.list(bob, side, query)).items).toEqual([]);
    const of = (id: typeof transactionId) =>
      disputes.list(alice, 'requester', { ...query, transactionId: id });
    expect((await of(transactionId)).items).toMatchObject([{ id }]);
    expect((await of(asId(crypto.randomUUID()))).items).toEqual([]);
  });

  it('more than so many statements a side, and more open disputes than an account may have', async () => {
    const { id } = await open();
    for (let i = 1; i < STATEMENTS_MAX; i++) await market.disputes.say(alice, id, 'Again');
    await expect(market.disputes.say(alice, id, 'Again')).rejects.toEqual(refusal('limit_reached'));
    await market.disputes.say(provider.owner, id, 'No');
    for (let i = 1; i < OPEN_DISPUTES_MAX; i++) await open(await buy());
    await expect(open(await buy())).rejects.toEqual(refusal('limit_reached'));
  });
});
