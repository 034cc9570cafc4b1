import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
