import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TEXTLESS_BYTES_MAX } from '../../../server/domains/providers/index.ts';
import { REQUEST_TIMES } from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMarket, eventsOf, type FakeProvider, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
let provider: FakeProvider;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(1_000);
  provider = await market.provider();
});

const create = (changes = {}) => market.requests.createRequest(alice, market.order(changes));

describe('a hostile provider', () => {
  /** The next piece of the answer, which says nothing that costs tokens. */
  const textless = (requestId: string, index: number, bytes: number) =>
    market.providers.delta(provider.actor, {
      requestId,
      index,
      delta: { fields: { x: 'y' }, text: '', bytes },
    });

  it('that sends more and more without text before the first text is given up', async () => {
    const request = create();
    const refused = expect(request).rejects.toMatchObject({ code: 'provider_answer_malformed' });
    const { requestId } = await until(() => provider.requests[0]);
    textless(requestId, 0, TEXTLESS_BYTES_MAX);
    expect(() => textless(requestId, 1, 1)).toThrow(
      expect.objectContaining({ code: 'provider_answer_malformed' }),
    );
    await refused;
    await market.expectUntouched(alice);
  });

  it('that sends nothing but pieces without text behind the first text is held to its credit and its time', async () => {
    const request = create();
    const { requestId } = await until(() => provider.requests[0]);
    market.text(provider, requestId, 0, 'Hello');
    const answer = await request;
    for (let index = 1; index < 60; index++) {
      textless(requestId, index, 1_000);
      market.clock.advance(REQUEST_TIMES.stallTimeoutMs - 1_000);
      if (provider.cancelled.length > 0) break;
    }
    expect(provider.cancelled).toEqual([requestId]);
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'provider_stalled' });
    await market.expectUntouched(alice);
  });

  it.each([2 ** 53, Number.MAX_SAFE_INTEGER, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'that claims %d tokens is refused at once, is paid nothing, and the books are right',
    async (completionTokens) => {
      const request = create();
      const { requestId } = await until(() => provider.requests[0]);
      market.text(provider, requestId, 0, 'Hello');
      const claim = { promptTokens: 10, cachedPromptTokens: 0, completionTokens, reasoningTokens: 0 };
      expect(() => market.result(provider, requestId, { claim })).toThrow(
        expect.objectContaining({ code: 'provider_answer_malformed' }),
      );
      const events = await eventsOf(await request);
      expect(events.at(-1)).toMatchObject({ kind: 'failed', code: 'provider_answer_malformed' });
      await market.expectUntouched(alice);
    },
  );

  it.each([
    ['a NUL', 'st\u0000op'],
    ['half a character', 'stop\ud800'],
    ['a line break', 'stop\r\nx: y'],
    ['a character that turns the text around', '\u202epots'],
  ])(
    'whose finish reason holds %s fails the request, and the hold is given back',
    async (_, finishReason) => {
      const request = create();
      const { requestId } = await until(() => provider.requests[0]);
      market.text(provider, requestId, 0, 'Hello');
      expect(() => market.result(provider, requestId, { finishReason })).toThrow(
        expect.objectContaining({ code: 'provider_answer_malformed' }),
      );
      const events = await eventsOf(await request);
      expect(events.at(-1)).toEqual({ kind: 'failed', code: 'provider_answer_malformed' });
      await market.expectUntouched(alice);
    },
  );
});
