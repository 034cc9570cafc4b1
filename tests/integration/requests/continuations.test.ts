import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerService } from '../../../server/domains/ledger/index.ts';
import { CREDIT_BYTES } from '../../../server/domains/providers/index.ts';
import {
  type ComputeAnswer,
  REQUEST_TIMES,
  type UncountedOrder,
} from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf, FakeProvider, until } from '../../support/market.ts';

/*
 * Answers whose provider breaks off after it has begun. The prompt has ten tokens; the first provider takes a cent for a token,
 * who goes on two, unless a test says otherwise.
 */
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
let first: FakeProvider;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(1_000);
  first = await market.provider({ price: 1_000 });
});

const ask = (changes: Partial<UncountedOrder> = {}) =>
  market.requests.createRequest(alice, market.order(changes));

/** The provider's request, when it has been asked. */
const asked = (provider: FakeProvider) => until(() => provider.requests.at(-1));

/** Asks, and gives the answer that `first` has begun. */
async function begun(text: string, changes: Partial<UncountedOrder> = {}): Promise<ComputeAnswer> {
  const answer = ask(changes);
  market.text(first, (await asked(first)).requestId, 0, text);
  return answer;
}

/** Another provider comes, and the first one fails. */
async function handedOver(offer: Parameters<typeof market.provider>[0] = {}): Promise<FakeProvider> {
  const next = await market.provider({ price: 2_000, continuesAnswers: true, ...offer });
  market.fail(first, (await asked(first)).requestId);
  return next;
}

const NOTHING = { completionTokens: 0, billedTokens: 0, cents: 0 };

const bodyOf = ({ requests }: FakeProvider): unknown =>
  JSON.parse(new TextDecoder().decode(requests.at(-1)?.body));

const sharesOf = async (provider: FakeProvider) => {
  const { items } = await market.transactions.listTransactions(
    { ...provider.owner },
    { role: 'provider', after: null, limit: 10 },
  );
  return items.map(({ state, completionTokens, billedTokens, costMicrocents }) => ({
    state,
    completionTokens,
    billedTokens,
    cents: Number(costMicrocents) / 1e6,
  }));
};

describe('an answer that its provider breaks off', () => {
  it('is gone on with by another one: one stream, one bill, to each what it delivered', async () => {
    const answer = await begun('one two three');
    const next = await handedOver();
    const { requestId, isContinuation, completionTokensMax, promptTokens } = (await asked(next)) as never;
    expect({ isContinuation, completionTokensMax, promptTokens }).toEqual({
      isContinuation: true,
      completionTokensMax: 47,
      promptTokens: 13,
    });
    expect(bodyOf(next)).toEqual({ beginning: 'one two three' });
    market.text(next, requestId, 0, ' four five');
    market.result(next, requestId, { claim: { promptTokens: 99, completionTokens: 99 } });
    const events = await eventsOf(answer);
    expect(events.slice(0, -1).map((event) => (event as never as { fields: object }).fields)).toEqual([
      { content: 'one two three' },
      { content: ' four five' },
    ]);
    // Three tokens at a cent; the prompt's ten and two more at two cents.
    expect(events.at(-1)).toMatchObject({
      kind: 'end',
      finishReason: 'stop',
      promptTokens: 10,
      completionTokens: 5,
      costMicrocents: cents(27),
    });
    await until(async () => (await market.balance(alice)).held === 0);
    expect((await market.balance(alice)).available).toBe(973);
    expect(await sharesOf(first)).toEqual([
      { state: 'COMPLETED', completionTokens: 3, billedTokens: 3, cents: 3 },
    ]);
    expect(await sharesOf(next)).toEqual([
      { state: 'COMPLETED', completionTokens: 2, billedTokens: 12, cents: 24 },
    ]);
    expect(await market.lastTransaction(alice)).toMatchObject({ completionTokens: 5, billedTokens: 15 });
  });

  it('is gone on with by a third where the second breaks off, too', async () => {
    const answer = await begun('one');
    const second = await handedOver();
    const third = await market.provider({ price: 2_000, continuesAnswers: true });
    const [now, other] = await until(() =>
      second.requests.length > 0 ? [second, third] : third.requests.length > 0 ? [third, second] : null,
    );
    market.text(now, (await asked(now)).requestId, 0, ' two');
    market.fail(now, (await asked(now)).requestId);
    const { requestId } = await asked(other);
    expect(bodyOf(other)).toEqual({ beginning: 'one two' });
    market.answer(other, { requestId }, [' three']);
    expect((await eventsOf(answer)).at(-1)).toMatchObject({ kind: 'end', costMicrocents: cents(25) });
    expect(await Promise.all([first, now, other].map(sharesOf))).toMatchObject([
      [{ cents: 1 }],
      [{ cents: 2 }],
      [{ cents: 22 }],
    ]);
  });

  it('fails, and costs nothing, where nobody goes on', async () => {
    const answer = await begun('one');
    const next = await handedOver({ continuesAnswers: false });
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'provider_failed' });
    expect(next.requests).toEqual([]);
    await market.expectUntouched(alice);
    expect(await sharesOf(first)).toMatchObject([{ state: 'FAILED', cents: 0 }]);
  });

  it('fails, and costs nothing, where who goes on fails, or refuses to', async () => {
    const answer = await begun('one');
    const next = await handedOver();
    const { requestId } = await asked(next);
    market.fail(next, requestId, { fault: 'requester', status: 400, reason: 'no prefill here' });
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'provider_failed' });
    await market.expectUntouched(alice);
    for (const provider of [first, next])
      expect(await sharesOf(provider)).toMatchObject([{ state: 'FAILED', cents: 0 }]);
  });

  const notGoneOn: [string, object, Partial<UncountedOrder>][] = [
    ['has called a tool', { tool_calls: [{ index: 0, function: { name: 'f', arguments: '{' } }] }, {}],
    ['is still thinking', { reasoning_content: 'hm' }, {}],
    ['has a form that nobody can go on with', { content: 'x' }, { continuationBody: () => null }],
  ];
  it.each(notGoneOn)('is not gone on with where it %s', async (_, fields, changes) => {
    const answer = ask(changes);
    const { requestId } = await asked(first);
    const delta = { fields: fields as never, text: 'x', bytes: 1 };
    market.providers.delta(first.actor, { requestId, index: 0, delta });
    const next = await handedOver();
    expect((await eventsOf(await answer)).at(-1)).toMatchObject({ kind: 'failed' });
    expect(next.requests).toEqual([]);
    await market.expectUntouched(alice);
  });

  it('may be gone on with after thoughts that it began with', async () => {
    const answer = ask();
    const { requestId } = await asked(first);
    const thought = { fields: { reasoning_content: 'hm' }, text: 'hm', bytes: 2 };
    market.providers.delta(first.actor, { requestId, index: 0, delta: thought });
    market.text(first, requestId, 1, 'one');
    const next = await handedOver();
    await asked(next);
    expect(bodyOf(next)).toEqual({ beginning: 'one' });
    market.answer(next, { requestId }, [' two']);
    expect((await eventsOf(await answer)).at(-1)).toMatchObject({ kind: 'end', completionTokens: 3 });
  });

  it('is not gone on with by a dearer machine of the same owner, for whom breaking off would pay', async () => {
    const answer = await begun('one');
    const second = new FakeProvider();
    const sibling = { ...second.actor, tenantId: first.owner.tenantId };
    const models = [{ name: 'm', prices: 1_001, contextTokens: 8_192, continuesAnswers: true }];
    await market.providers.offer(sibling, second.link, { slots: 1, models });
    market.fail(first, (await asked(first)).requestId);
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'provider_failed' });
    expect(second.requests).toEqual([]);
    await market.expectUntouched(alice);
  });

  it('under an idempotency key is gone on with though its requester has left', async () => {
    const leaving = new AbortController();
    await begun('one', { idempotencyKey: 'left', signal: leaving.signal });
    leaving.abort();
    const next = await handedOver();
    market.answer(next, await asked(next), [' two']);
    await until(async () => (await market.lastTransaction(alice))?.state === 'COMPLETED');
    const again = await eventsOf(await ask({ idempotencyKey: 'left' }));
    expect(again).toMatchObject([{ fields: { content: 'one two' } }, { kind: 'end' }]);
  });

  it('costs no more than the requester allows: a dearer one is not asked', async () => {
    const answer = await begun('one', { costMicrocentsMax: cents(60) });
    const next = await handedOver({ price: 3_000 });
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'provider_failed' });
    expect(next.requests).toEqual([]);
    await market.expectUntouched(alice);
  });

  it('pays for what both delivered when its requester leaves then', async () => {
    const leaving = new AbortController();
    const answer = await begun('one', { signal: leaving.signal });
    const next = await handedOver();
    market.text(next, (await asked(next)).requestId, 0, ' two');
    leaving.abort();
    await eventsOf(answer);
    await until(async () => (await market.balance(alice)).held === 0);
    expect((await market.balance(alice)).available).toBe(1_000 - 1 - 22);
  });

  it('costs nothing when its requester leaves before anybody is asked to go on', async () => {
    const leaving = new AbortController();
    const wrapLedger = (ledger: LedgerService): LedgerService => ({
      ...ledger,
      commit: (unit) => {
        if (unit.commands.length === 2) leaving.abort();
        return ledger.commit(unit);
      },
    });
    market = createMarket(db, { wrapLedger });
    alice = await market.customer(1_000);
    first = await market.provider({ price: 1_000 });
    const answer = await begun('one', { signal: leaving.signal });
    const next = await handedOver();
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'request_cancelled' });
    expect(next.requests).toEqual([]);
    await market.expectUntouched(alice);
    expect(await sharesOf(next)).toEqual([{ ...NOTHING, state: 'CANCELLED' }]);
  });

  it('without a limit on its length grows on at whoever goes on', async () => {
    const rich = await market.customer(10_000);
    const answer = market.requests.createRequest(rich, market.order({ completionTokensMax: null }));
    const { requestId } = await asked(first);
    market.text(first, requestId, 0, ' word'.repeat(400));
    const next = await handedOver();
    await asked(next);
    market.text(next, requestId, 0, ' word'.repeat(1_500));
    market.result(next, requestId, { claim: null });
    expect((await eventsOf(await answer)).at(-1)).toMatchObject({
      kind: 'end',
      finishReason: 'stop',
      completionTokens: 1_900,
      costMicrocents: cents(400 + 2 * 1_510),
    });
  });

  it('under an idempotency key is given again as one', async () => {
    const answer = await begun('one', { idempotencyKey: 'k' });
    const next = await handedOver();
    market.answer(next, await asked(next), [' two']);
    await eventsOf(answer);
    const again = await eventsOf(await ask({ idempotencyKey: 'k' }));
    expect(again).toMatchObject([
      { fields: { content: 'one two' } },
      { kind: 'end', costMicrocents: cents(23) },
    ]);
  });

  it('gives who goes on no credit for what is still unread, and as much as is read', async () => {
    const answer = await begun('one');
    const { requestId } = await asked(first);
    for (let index = 1; index < 8; index++) {
      const delta = { fields: { content: '' }, text: '', bytes: CREDIT_BYTES / 8 };
      market.providers.delta(first.actor, { requestId, index, delta });
    }
    const next = await handedOver();
    expect((await asked(next)).creditBytes).toBe(0);
    expect(next.grantedBytes).toBeLessThanOrEqual(CREDIT_BYTES / 8);
    const reading = eventsOf(answer);
    await until(() => next.grantedBytes >= CREDIT_BYTES / 2);
    market.answer(next, { requestId }, [' two']);
    expect((await reading).at(-1)).toMatchObject({ kind: 'end' });
  });

  it('ends in time where its reader stalls, though its time ran out while nobody answered', async () => {
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const wrapLedger = (ledger: LedgerService): LedgerService => ({
      ...ledger,
      commit: async (unit) => {
        if (unit.commands.length === 2) await held;
        return ledger.commit(unit);
      },
    });
    market = createMarket(db, { wrapLedger });
    alice = await market.customer(1_000);
    first = await market.provider({ price: 1_000 });
    const answer = await begun('one');
    const { requestId } = await asked(first);
    const delta = { fields: { content: '' }, text: '', bytes: CREDIT_BYTES - 3 };
    market.providers.delta(first.actor, { requestId, index: 1, delta });
    const next = await handedOver();
    market.clock.advance(REQUEST_TIMES.readerStallTimeoutMs);
    goOn();
    await asked(next);
    market.clock.advance(REQUEST_TIMES.readerStallTimeoutMs);
    expect(next.cancelled).toEqual([requestId]);
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'reader_stalled' });
  });
});

describe('an answer in one piece', () => {
  it('is one delta, and begins anew where nobody can go on with it, for which nobody pays', async () => {
    const answer = await begun('one two', { isWhole: true });
    const next = await handedOver({ continuesAnswers: false });
    expect((await asked(next)).isContinuation).toBe(false);
    market.answer(next, await asked(next), ['three', ' four'], [10, 2]);
    expect(await eventsOf(answer)).toMatchObject([
      { fields: { content: 'three four' } },
      { kind: 'end', completionTokens: 2, costMicrocents: cents(24) },
    ]);
    expect(await sharesOf(first)).toEqual([]);
  });

  it('is gone on with where somebody can', async () => {
    const answer = await begun('one two', { isWhole: true });
    const next = await handedOver();
    market.answer(next, await asked(next), [' three']);
    expect(await eventsOf(answer)).toMatchObject([
      { fields: { content: 'one two three' } },
      { kind: 'end', completionTokens: 3, costMicrocents: cents(24) },
    ]);
  });

  it('that called a tool begins anew', async () => {
    const answer = ask({ isWhole: true });
    const { requestId } = await asked(first);
    const calls = [{ index: 0, function: { name: 'f', arguments: '{' } }];
    const delta = { fields: { tool_calls: calls }, text: 'f{', bytes: 1 };
    market.providers.delta(first.actor, { requestId, index: 0, delta });
    const next = await handedOver();
    market.answer(next, await asked(next), ['done']);
    expect(await eventsOf(await answer)).toMatchObject([{ fields: { content: 'done' } }, { kind: 'end' }]);
  });
});
