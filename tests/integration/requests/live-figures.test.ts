import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LIVE_FOLLOW_LIMITS, type LiveFigures } from '../../../server/domains/providers/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { turn } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMarket, eventsOf } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
let bob: AccountActor;
let ended: AbortController;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(100_000);
  bob = await market.customer(100_000);
  ended = new AbortController();
});

/** What the reader is told next, after `ms`. */
async function nextAfter(figures: AsyncIterator<LiveFigures>, ms: number): Promise<LiveFigures> {
  const next = figures.next();
  await turn();
  market.clock.advance(ms);
  const { value } = await next;
  return value;
}

const read = (actor: AccountActor) =>
  market.providers.followLive(actor, ended.signal)[Symbol.asyncIterator]();

describe('figures of the present', () => {
  it('are of the reader’s own requests and providers, and nobody else’s move them', async () => {
    const provider = await market.provider({ slots: 1 });
    const order = new Promise<Parameters<NonNullable<typeof provider.onRequest>>[0]>((resolve) => {
      provider.onRequest = resolve;
    });
    const [ofAlice, ofBob, ofOwner] = [read(alice), read(bob), read(provider.owner)];
    for (const reader of [ofAlice, ofBob, ofOwner]) await nextAfter(reader, 0);

    const answer = await Promise.all([
      market.requests.createRequest(alice, market.order()),
      order.then((request) => market.answer(provider, request, ['x'.repeat(400)])),
    ]).then(([created]) => created);
    const next = Promise.all([ofAlice.next(), ofBob.next(), ofOwner.next()]);
    await turn();
    market.clock.advance(1_000);
    const [told, toldBob, toldOwner] = (await next).map(({ value }) => value as LiveFigures);
    expect(told?.asked.tokensPerSecond).toBe(100);
    expect(told?.served).toEqual([]);
    expect(toldBob).toMatchObject({ asked: { running: 0, waiting: 0, tokensPerSecond: 0 }, served: [] });
    expect(toldBob?.askedModels).toEqual([]);
    expect(toldOwner).toMatchObject({ asked: { running: 0 }, served: [{ tokensPerSecond: 100 }] });
    // Prices are the market's, and public.
    for (const figures of [told, toldBob, toldOwner])
      expect(figures?.prices).toMatchObject([{ model: 'm', providers: 1 }]);
    await eventsOf(answer);
    expect((await nextAfter(ofAlice, 1_000)).asked).toEqual({ running: 0, waiting: 0, tokensPerSecond: 0 });
    ended.abort();
  });

  it('tell who waits for a slot of it alone', async () => {
    const provider = await market.provider({ slots: 1 });
    provider.onRequest = () => undefined;
    const first = new AbortController();
    const running = market.requests.createRequest(bob, market.order({ signal: first.signal }));
    running.catch(() => undefined);
    await expect.poll(() => provider.requests.length).toBe(1);
    const waiting = new AbortController();
    const asked = market.requests.createRequest(alice, market.order({ signal: waiting.signal }));
    asked.catch(() => undefined);
    const ofAlice = read(alice);
    await expect
      .poll(async () => (await nextAfter(ofAlice, 1_000)).asked)
      .toEqual({ running: 0, waiting: 1, tokensPerSecond: 0 });
    expect((await nextAfter(read(bob), 0)).asked).toEqual({ running: 1, waiting: 0, tokensPerSecond: 0 });
    waiting.abort();
    first.abort();
    await Promise.allSettled([running, asked]);
    ended.abort();
  });

  it('end with their signal and with the server, and are read by so many at a time', async () => {
    const readers = Array.from({ length: LIVE_FOLLOW_LIMITS.perAccountMax }, () => read(alice));
    for (const reader of readers) await reader.next();
    expect(() => read(alice)).toThrow(expect.objectContaining({ code: 'limit_reached' }));
    const other = new AbortController();
    const ofBob = market.providers.followLive(bob, other.signal)[Symbol.asyncIterator]();
    await ofBob.next();
    other.abort();
    expect(await ofBob.next()).toMatchObject({ done: true });
    market.providers.stopFollowing();
    for (const reader of readers) expect(await reader.next()).toMatchObject({ done: true });
  });

  it('cut off who reads too slowly', async () => {
    const reader = read(alice);
    await reader.next();
    for (let second = 0; second <= LIVE_FOLLOW_LIMITS.waitingMax; second++) market.clock.advance(1_000);
    await expect(reader.next()).rejects.toMatchObject({ code: 'consumer_too_slow' });
  });
});
