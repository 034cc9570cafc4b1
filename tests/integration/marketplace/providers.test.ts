import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ANSWER_CHARACTERS_MAX } from '../../../server/domains/marketplace/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { turn } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMarket, eventsOf, FakeProvider, requestIdBytes, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(1_000n);
});

const create = (changes = {}, actor = alice) =>
  market.marketplace.createRequest(actor, market.order(changes));
describe('a provider', () => {
  const text = (provider: FakeProvider, index: number, value: string) =>
    market.marketplace.chunk(provider.actor, {
      requestId: provider.requests[0]?.requestId as Uint8Array,
      index,
      text: value,
    });
  const result = (provider: FakeProvider, changes = {}) =>
    market.marketplace.result(provider.actor, {
      requestId: provider.requests[0]?.requestId as Uint8Array,
      finishReason: 'stop',
      promptTokens: 10,
      completionTokens: 1,
      ...changes,
    });
  const refuses = (work: () => void, code = 'provider_answer_malformed') =>
    expect(work).toThrow(expect.objectContaining({ code }));

  const offences: [string, string, (provider: FakeProvider) => void][] = [
    ['begins with a wrong index', 'provider_answer_malformed', (p) => refuses(() => text(p, 1, 'x'))],
    ['sends a result without text', 'provider_answer_malformed', (p) => refuses(() => result(p))],
    [
      'sends nothing but empty text',
      'provider_answer_malformed',
      (p) => {
        text(p, 0, '');
        refuses(() => result(p));
      },
    ],
    ['says it failed', 'provider_failed', (p) => result(p, { error: { code: 1, message: 'out of memory' } })],
    ['says nothing', 'provider_stalled', () => market.clock.advance(30_000)],
    ['goes away', 'provider_vanished', (p) => market.marketplace.disconnected(p.actor.deviceId, p.channel)],
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
        costCents: 0n,
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
      expect(events.at(-1)).toMatchObject({ kind: 'end', costCents: 12n });
      expect(await market.lastTransaction(alice)).toMatchObject({ state: 'COMPLETED', earningsCents: 11n });
      expect(await market.balanceInCents(alice)).toEqual({ availableCents: 988n, heldCents: 0n });
      expect((await market.balanceInCents(bad.owner)).availableCents).toBe(0n);
    },
  );

  const lateOffences: [string, string, (provider: FakeProvider) => void][] = [
    ['repeats an index', 'provider_answer_malformed', (p) => refuses(() => text(p, 0, 'x'))],
    ['leaves out an index', 'provider_answer_malformed', (p) => refuses(() => text(p, 2, 'x'))],
    [
      'ends for a reason nobody knows',
      'provider_answer_malformed',
      (p) => refuses(() => result(p, { finishReason: 'bored' })),
    ],
    [
      'claims more tokens than any context holds',
      'provider_answer_malformed',
      (p) => refuses(() => result(p, { completionTokens: 10_000_001 })),
    ],
    ['says it failed', 'provider_failed', (p) => result(p, { error: { code: 1, message: 'x' } })],
    ['falls silent', 'provider_stalled', () => market.clock.advance(15_000)],
    [
      'sends empty text for ever',
      'provider_stalled',
      (p) => {
        for (let i = 1; i < 20; i++) {
          text(p, i, '');
          market.clock.advance(1_000);
        }
      },
    ],
    ['goes away', 'provider_vanished', (p) => market.marketplace.disconnected(p.actor.deviceId, p.channel)],
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
        costCents: 0n,
      });
      await market.expectUntouched(alice);
    },
  );

  it('may not send more than any answer has, however much was asked for', async () => {
    const provider = await market.provider({ price: 0, context: 10_000_000 });
    const request = create({ completionTokensMax: 1_000_000 });
    await until(() => provider.requests[0]);
    text(provider, 0, 'x'.repeat(ANSWER_CHARACTERS_MAX));
    const answer = await request;
    refuses(() => text(provider, 1, 'x'));
    expect((await eventsOf(answer)).at(-1)).toMatchObject({ code: 'provider_answer_malformed' });
  });

  it('is refused what it sends to a request that is not its own, and to one it has ended', async () => {
    const provider = await market.provider();
    const other = await market.provider({ model: 'other' });
    const request = create();
    await until(() => provider.requests[0]);
    const requestId = provider.requests[0]?.requestId as Uint8Array;
    refuses(
      () => market.marketplace.chunk(other.actor, { requestId, index: 0, text: 'x' }),
      'transaction_not_found',
    );
    refuses(
      () => market.marketplace.chunk(provider.actor, { requestId: new Uint8Array(3) }),
      'transaction_not_found',
    );
    const unknown = requestIdBytes('00000000-0000-4000-8000-000000000001');
    refuses(() => market.marketplace.result(provider.actor, { requestId: unknown }), 'transaction_not_found');
    market.answer(provider, provider.requests[0] as never, ['Hello']);
    refuses(() => text(provider, 1, 'more'));
    refuses(() => result(provider));
    expect((await eventsOf(await request)).map(({ kind }) => kind)).toEqual(['text', 'end']);
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'COMPLETED', costCents: 11n });
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
    provider.onRequest = ({ requestId }) =>
      market.marketplace.result(provider.actor, { requestId, error: { code: 1 } });
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
    expect((await market.marketplace.listProviders(alice))[0]?.availability).toBeLessThan(0.8);
  });

  it('that withdraws finishes what it has and gets nothing new', async () => {
    const provider = await market.provider();
    const request = create();
    await until(() => provider.requests[0]);
    await market.marketplace.withdraw(provider.actor);
    await expect(create()).rejects.toMatchObject({ code: 'model_not_found' });
    market.answer(provider, provider.requests[0] as never, ['Hello']);
    expect((await eventsOf(await request)).at(-1)).toMatchObject({ kind: 'end' });
  });

  it('that withdraws before its offer is acknowledged is not listed, and may offer again', async () => {
    const provider = new FakeProvider();
    const models = [{ name: 'm', contextTokens: 8_192 }];
    const offer = () => market.marketplace.offer(provider.actor, provider.channel, { slots: 1, models });
    const offered = offer();
    await market.marketplace.withdraw(provider.actor);
    await offered;
    expect(await market.marketplace.listProviders(alice)).toEqual([]);
    await offer();
    expect(await market.marketplace.listProviders(alice)).toHaveLength(1);
  });

  it('that withdraws and offers again gets no more than its slots', async () => {
    const provider = await market.provider({ slots: 1 });
    const first = create();
    const request = await until(() => provider.requests[0]);
    await market.marketplace.withdraw(provider.actor);
    await market.marketplace.offer(provider.actor, provider.channel, {
      slots: 1,
      models: [{ name: 'm', priceCentsPer_1000Tokens: 1_000, contextTokens: 8_192 }],
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
    const [before] = await market.marketplace.listProviders(alice);
    const channel = { send: () => true };
    const offer = { slots: 2, models: [{ name: 'new', priceCentsPer_1000Tokens: 3, contextTokens: 100 }] };
    await market.marketplace.offer(provider.actor, channel, offer);
    market.marketplace.disconnected(provider.actor.deviceId, provider.channel);
    const after = await market.marketplace.listProviders(alice);
    expect(after).toMatchObject([{ id: before?.id, slots: 2, models: [{ name: 'new' }] }]);
    expect(after[0]?.id).not.toBe(provider.actor.deviceId);
    await market.marketplace.offer(provider.actor, provider.channel, offer);
    expect(await market.marketplace.getProvider(alice, before?.id ?? '')).toMatchObject({ slots: 2 });
  });

  it.each([
    ['no model', { slots: 1, models: [] }],
    ['no slot', { slots: 0, models: [{ name: 'm', contextTokens: 1 }] }],
    ['too many slots', { slots: 1_001, models: [{ name: 'm', contextTokens: 1 }] }],
    ['a name with a space', { slots: 1, models: [{ name: 'a b', contextTokens: 1 }] }],
    [
      'a name twice',
      {
        slots: 1,
        models: [
          { name: 'm', contextTokens: 1 },
          { name: 'm', contextTokens: 1 },
        ],
      },
    ],
    [
      'too high a price',
      { slots: 1, models: [{ name: 'm', contextTokens: 1, priceCentsPer_1000Tokens: 1_000_001 }] },
    ],
    ['no context', { slots: 1, models: [{ name: 'm' }] }],
    [
      'too many models',
      { slots: 1, models: Array.from({ length: 101 }, (_, i) => ({ name: `m${i}`, contextTokens: 1 })) },
    ],
  ])('that offers %s is refused and not listed', async (_, offer) => {
    const provider = new FakeProvider();
    await expect(market.marketplace.offer(provider.actor, provider.channel, offer)).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(await market.marketplace.listProviders(alice)).toEqual([]);
  });
});
