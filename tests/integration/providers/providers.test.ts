import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ANSWER_CHARACTERS_MAX,
  DELTA_BYTES_MAX,
  LIFE_WITHOUT_TEXT_MS_MAX,
} from '../../../server/domains/providers/index.ts';
import { TENANT_MODEL_NAMES_MAX } from '../../../server/domains/providers/limits.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { addOwner } from '../../support/actors.ts';
import { turn } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, createMarket, eventsOf, FakeProvider, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(1_000);
});

const create = (changes = {}, actor = alice) => market.requests.createRequest(actor, market.order(changes));
describe('a provider', () => {
  const idOf = (provider: FakeProvider) => provider.requests[0]?.requestId ?? '';
  const text = (provider: FakeProvider, index: number, value: string) =>
    market.text(provider, idOf(provider), index, value);
  const result = (provider: FakeProvider, changes = {}) => market.result(provider, idOf(provider), changes);
  const fail = (provider: FakeProvider) => market.fail(provider, idOf(provider));
  const refuses = (work: () => void, code = 'provider_answer_malformed') =>
    expect(work).toThrow(expect.objectContaining({ code }));

  const offences: [string, string, (provider: FakeProvider) => void][] = [
    ['begins with a wrong index', 'provider_answer_malformed', (p) => refuses(() => text(p, 1, 'x'))],
    ['says it failed', 'provider_failed', (p) => fail(p)],
    ['says nothing', 'provider_stalled', () => market.clock.advance(30_000)],
    ['goes away', 'provider_vanished', (p) => market.providers.disconnected(p.actor.deviceId, p.link)],
    [
      'sends far more than was asked for',
      'provider_answer_malformed',
      (p) => refuses(() => text(p, 0, 'x'.repeat(51 * 128 + 1))),
    ],
  ];

  it.each(offences)(
    'that %s before the first text fails the request, which costs nothing',
    async (_, code, misbehave) => {
      const provider = await market.provider();
      const request = create();
      const refused = expect(request).rejects.toMatchObject({ code, kind: 'unavailable' });
      await until(() => provider.requests[0]);
      misbehave(provider);
      await refused;
      expect(await market.lastTransaction(alice)).toMatchObject({
        state: 'FAILED',
        failureCode: code,
        costMicrocents: cents(0),
      });
      await market.expectUntouched(alice);
    },
  );

  it.each(offences)(
    'that %s before the first text is replaced by the next, without anybody noticing',
    async (_, __, misbehave) => {
      const bad = await market.provider({ price: 1 });
      const request = create();
      await until(() => bad.requests[0]);
      const good = await market.provider({ price: 1_000 });
      good.onRequest = (r) => market.answer(good, r, ['Hello', ' world']);
      misbehave(bad);
      const events = await eventsOf(await request);
      expect(events.at(-1)).toMatchObject({ kind: 'end', costMicrocents: cents(12) });
      expect(await market.lastTransaction(alice)).toMatchObject({
        state: 'COMPLETED',
        earningsMicrocents: cents(10.56),
      });
      expect(await market.balance(alice)).toEqual({ available: 988, held: 0 });
      expect((await market.balance(bad.owner)).available).toBe(0);
    },
  );

  const lateOffences: [string, string, (provider: FakeProvider) => void][] = [
    ['repeats an index', 'provider_answer_malformed', (p) => refuses(() => text(p, 0, 'x'))],
    ['leaves out an index', 'provider_answer_malformed', (p) => refuses(() => text(p, 2, 'x'))],
    [
      'ends for a reason longer than any',
      'provider_answer_malformed',
      (p) => refuses(() => result(p, { finishReason: 'x'.repeat(65) })),
    ],
    [
      'claims more tokens than any context holds',
      'provider_answer_malformed',
      (p) => refuses(() => result(p, { claim: { completionTokens: 10_000_001 } })),
    ],
    ['says it failed', 'provider_failed', (p) => fail(p)],
    ['falls silent', 'provider_stalled', () => market.clock.advance(15_000)],
    [
      'sends empty text for ever',
      'provider_stalled',
      (p) => {
        for (let i = 1; i <= LIFE_WITHOUT_TEXT_MS_MAX / 10_000 + 2; i++) {
          text(p, i, '');
          market.clock.advance(10_000);
        }
      },
    ],
    ['goes away', 'provider_vanished', (p) => market.providers.disconnected(p.actor.deviceId, p.link)],
  ];

  it.each(lateOffences)(
    'that %s after the first text ends the stream with an error, and nothing is billed',
    async (_, code, misbehave) => {
      const provider = await market.provider();
      const request = create();
      await until(() => provider.requests[0]);
      text(provider, 0, 'Hello');
      const answer = await request;
      misbehave(provider);
      expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code });
      expect(await market.lastTransaction(alice)).toMatchObject({
        state: 'FAILED',
        failureCode: code,
        costMicrocents: cents(0),
      });
      await market.expectUntouched(alice);
    },
  );

  it('may not send more than any answer has, however much was asked for and read', async () => {
    const provider = await market.provider({ price: 0, context: 10_000_000 });
    const request = create({ completionTokensMax: 1_000_000 });
    await until(() => provider.requests[0]);
    const piece = 'x'.repeat(DELTA_BYTES_MAX);
    text(provider, 0, piece);
    const events = (await request).events[Symbol.asyncIterator]();
    await events.next();
    const pieces = ANSWER_CHARACTERS_MAX / DELTA_BYTES_MAX;
    for (let index = 1; index < pieces; index++) {
      text(provider, index, piece);
      await events.next();
    }
    refuses(() => text(provider, pieces, 'x'));
    expect((await events.next()).value).toMatchObject({ code: 'provider_answer_malformed' });
  });

  it('that shows that it works is waited for a while longer, and no longer', async () => {
    const provider = await market.provider();
    const refused = expect(create()).rejects.toMatchObject({ code: 'provider_stalled' });
    const { requestId } = await until(() => provider.requests[0]);
    for (let silentMs = 29_000; silentMs < LIFE_WITHOUT_TEXT_MS_MAX; silentMs += 29_000) {
      market.clock.advance(29_000);
      market.providers.alive(provider.actor, { requestId });
    }
    market.clock.advance(29_000);
    market.providers.alive(provider.actor, { requestId });
    expect(provider.cancelled).toEqual([]);
    market.clock.advance(1_000);
    await refused;
  });

  it('that would list more than the share of its tenant is refused; what is listed stays, and so do the others', async () => {
    const offer = (...names: string[]) => ({
      slots: 1,
      models: names.map((name) => ({ name, prices: 1, contextTokens: 8_192 })),
    });
    const names = Array.from({ length: TENANT_MODEL_NAMES_MAX }, (_, index) => `own-${index}`);
    const provider = await market.provider();
    await market.providers.offer(provider.actor, provider.link, offer(...names));
    const second = new FakeProvider();
    const colleague = { ...second.actor, tenantId: provider.owner.tenantId };
    const beyond = market.providers.offer(colleague, second.link, offer('another'));
    await expect(beyond).rejects.toMatchObject({ kind: 'conflict', code: 'limit_reached' });
    await market.providers.offer(colleague, second.link, offer('own-0'));
    await market.provider({ model: 'another' });
    const { items, next } = await market.providers.listModels(alice, 'own-0', 1_000);
    expect([items.length, next]).toEqual([TENANT_MODEL_NAMES_MAX - 1, null]);
    expect(await market.providers.findModel(alice, 'own-0')).toMatchObject({ providers: 2 });
    expect(await market.listed(alice)).toHaveLength(3);
  });

  it('is found once in the pages of a list, in the order of ids', async () => {
    for (let count = 0; count < 3; count++) await market.provider();
    const first = await market.providers.listProviders(alice, null, 2);
    const rest = await market.providers.listProviders(alice, first.next, 2);
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(
      (await market.listed(alice)).map(({ id }) => id).sort(),
    );
    expect([first.items.length, rest.items.length, rest.next]).toEqual([2, 1, null]);
  });

  it('without a verified way to be paid is told what to do, and listed once it has one', async () => {
    let canBePaid = false;
    market = createMarket(db, { canBePaid: () => canBePaid });
    const refusal = await market.provider().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ kind: 'forbidden', code: 'payout_method_missing' });
    expect(refusal).toMatchObject({
      publicMessage: expect.stringContaining('/api/v1/admin/payment-standing/'),
    });
    expect(await market.listed(alice)).toEqual([]);
    canBePaid = true;
    const { owner } = await market.provider();
    expect(await market.listed(alice)).toHaveLength(1);
    market.providers.payoutMethodLost(owner.tenantId);
    expect(await market.listed(alice)).toEqual([]);
  });

  it('is refused what it sends to a request that is not its own, and to one it has ended', async () => {
    const provider = await market.provider();
    const other = await market.provider({ model: 'other' });
    const request = create();
    await until(() => provider.requests[0]);
    const requestId = provider.requests[0]?.requestId ?? '';
    refuses(() => market.text(other, requestId, 0, 'x'), 'transaction_not_found');
    refuses(() => market.text(provider, 'no id', 0, 'x'), 'transaction_not_found');
    const unknown = '00000000-0000-4000-8000-000000000001';
    refuses(() => market.result(provider, unknown), 'transaction_not_found');
    market.answer(provider, provider.requests[0] as never, ['Hello']);
    refuses(() => text(provider, 1, 'more'));
    refuses(() => result(provider));
    expect((await eventsOf(await request)).map(({ kind }) => kind)).toEqual(['delta', 'end']);
    expect(await market.lastTransaction(alice)).toMatchObject({
      state: 'COMPLETED',
      costMicrocents: cents(11),
    });
  });

  it('may send a little more to a request that was cancelled meanwhile', async () => {
    const provider = await market.provider();
    const abort = new AbortController();
    const request = create({ signal: abort.signal });
    await until(() => provider.requests[0]);
    text(provider, 0, 'Hello');
    const answer = await request;
    abort.abort();
    text(provider, 1, ' world');
    await eventsOf(answer);
  });

  it('that failed three times in a row gets nothing until a probe went well', async () => {
    const provider = await market.provider();
    provider.onRequest = ({ requestId }) => market.fail(provider, requestId);
    for (let i = 0; i < 3; i++) await expect(create()).rejects.toMatchObject({ code: 'provider_failed' });
    await expect(create()).rejects.toMatchObject({
      code: 'no_provider_available',
      details: { retryAfterSeconds: 5 },
    });
    expect(provider.requests).toHaveLength(3);
    market.clock.advance(8_000);
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end' });
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end' });
    expect((await market.listed(alice))[0]?.availability).toBeLessThan(0.8);
  });

  it('that withdraws finishes what it has and gets nothing new', async () => {
    const provider = await market.provider();
    const request = create();
    await until(() => provider.requests[0]);
    await market.providers.withdraw(provider.actor);
    await expect(create()).rejects.toMatchObject({ code: 'model_not_found' });
    market.answer(provider, provider.requests[0] as never, ['Hello']);
    expect((await eventsOf(await request)).at(-1)).toMatchObject({ kind: 'end' });
  });

  it('that withdraws before its offer is acknowledged is not listed, and may offer again', async () => {
    const provider = new FakeProvider();
    const models = [{ name: 'm', prices: 0, contextTokens: 8_192 }];
    const offer = () => market.providers.offer(provider.actor, provider.link, { slots: 1, models });
    const offered = offer();
    await market.providers.withdraw(provider.actor);
    await offered;
    expect(await market.listed(alice)).toEqual([]);
    await offer();
    expect(await market.listed(alice)).toHaveLength(1);
  });

  it('whose tenant loses its way to be paid while it offers is not listed', async () => {
    let canBePaid = true;
    market = createMarket(db, { canBePaid: () => canBePaid });
    const provider = new FakeProvider();
    await addOwner(db.database, provider.owner);
    const models = [{ name: 'm', prices: 0, contextTokens: 8_192 }];
    const offered = market.providers.offer(provider.actor, provider.link, { slots: 1, models });
    const refused = expect(offered).rejects.toMatchObject({ code: 'payout_method_missing' });
    await turn(1);
    canBePaid = false;
    market.providers.payoutMethodLost(provider.owner.tenantId);
    await refused;
    expect(await market.listed(alice)).toEqual([]);
  });

  it('that withdraws and offers again gets no more than its slots', async () => {
    const provider = await market.provider({ slots: 1 });
    const first = create();
    const request = await until(() => provider.requests[0]);
    await market.providers.withdraw(provider.actor);
    await market.providers.offer(provider.actor, provider.link, {
      slots: 1,
      models: [{ name: 'm', prices: 1_000, contextTokens: 8_192 }],
    });
    const refused = expect(create()).rejects.toMatchObject({ code: 'no_provider_available' });
    await turn();
    market.clock.advance(10_000);
    await refused;
    market.answer(provider, request, ['one']);
    await eventsOf(await first);
    expect(provider.requests).toHaveLength(1);
  });

  it('is one row however often it offers, and its old session takes nothing with it', async () => {
    const provider = await market.provider();
    const [before] = await market.listed(alice);
    const link = { request: () => true, grant: () => true, cancel: () => true };
    const offer = { slots: 2, models: [{ name: 'new', prices: '0.000003', contextTokens: 100 }] };
    await market.providers.offer(provider.actor, link, offer);
    market.providers.disconnected(provider.actor.deviceId, provider.link);
    const after = await market.listed(alice);
    expect(after).toMatchObject([{ id: before?.id, slots: 2, models: [{ name: 'new' }] }]);
    expect(after[0]?.id).not.toBe(provider.actor.deviceId);
    await market.providers.offer(provider.actor, provider.link, offer);
    expect(await market.providers.getProvider(alice, before?.id ?? '')).toMatchObject({ slots: 2 });
  });

  it.each([
    ['no model', { slots: 1, models: [] }],
    ['no slot', { slots: 0, models: [{ name: 'm', prices: 0, contextTokens: 1 }] }],
    ['too many slots', { slots: 1_001, models: [{ name: 'm', prices: 0, contextTokens: 1 }] }],
    ['a name with a space', { slots: 1, models: [{ name: 'a b', prices: 0, contextTokens: 1 }] }],
    [
      'a name twice',
      {
        slots: 1,
        models: [
          { name: 'm', prices: 0, contextTokens: 1 },
          { name: 'm', prices: 0, contextTokens: 1 },
        ],
      },
    ],
    ['too high a price', { slots: 1, models: [{ name: 'm', contextTokens: 1, prices: 1_000_001 }] }],
    ['no context', { slots: 1, models: [{ name: 'm', prices: 0, contextTokens: 0 }] }],
    ['no price', { slots: 1, models: [{ name: 'm', prices: '1e3', contextTokens: 1 }] }],
    [
      'a cached prompt that is dearer',
      {
        slots: 1,
        models: [{ name: 'm', prices: { prompt: 1, cachedPrompt: 2, completion: 1 }, contextTokens: 1 }],
      },
    ],
    [
      'too many models',
      {
        slots: 1,
        models: Array.from({ length: 101 }, (_, i) => ({ name: `m${i}`, prices: 0, contextTokens: 1 })),
      },
    ],
  ])('that offers %s is refused and not listed', async (_, offer) => {
    const provider = new FakeProvider();
    await expect(market.providers.offer(provider.actor, provider.link, offer)).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(await market.listed(alice)).toEqual([]);
  });
});
