import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createQualityStore,
  RATING_PRIOR_VOICES,
  RATING_WEIGHT,
} from '../../../server/domains/quality/index.ts';
import { createRatingService, createRatingStore } from '../../../server/domains/ratings/index.ts';
import { CHANGE_WITHIN_MS, RATE_WITHIN_MS } from '../../../server/domains/ratings/limits.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { notFound } from '../../../server/kernel/errors.ts';
import { asId, type TransactionId } from '../../../server/kernel/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMarket, eventsOf, type FakeProvider } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let ratings: ReturnType<typeof createRatingService>;
let provider: FakeProvider;
let alice: AccountActor;
beforeEach(async () => {
  market = createMarket(db, { earningsReleaseDelayMs: 1_000 });
  provider = await market.provider({ price: 1_000 });
  provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
  alice = await market.customer(10_000);
  const { owner } = provider;
  ratings = createRatingService({
    store: createRatingStore(db.database),
    quality: market.quality,
    registrations: {
      get: async (actor, providerId) => {
        if (actor.kind === 'account' && actor.tenantId === owner.tenantId) return { providerId };
        throw notFound('provider');
      },
    },
    clock: market.clock,
  });
});

const refusal = (code: string) => expect.objectContaining({ code });

/** Asks once, and returns the transaction. */
async function buy(user: AccountActor = alice): Promise<TransactionId> {
  const answer = await market.requests.createRequest(user, market.order());
  await eventsOf(answer);
  return asId<TransactionId>(answer.transactionId);
}

const providerId = () => market.providers.offersOf('m')[0]?.provider.id ?? '';
const quality = () => market.quality.assessmentOf(providerId()).quality;

describe('a rating', () => {
  it('is given by who paid, may be changed for a week, and is read by the owner without a name', async () => {
    const id = await buy();
    expect(await ratings.rate(alice, id, 2)).toMatchObject({ transactionId: id, stars: 2 });
    expect(await ratings.rate(alice, id, 4)).toMatchObject({ stars: 4 });
    expect(await ratings.get(alice, id)).toMatchObject({ stars: 4 });
    const summary = await ratings.summarize(provider.owner, providerId());
    expect(summary).toEqual({ ratings: 1, accounts: 1, meanStars: 4, byStars: [0, 0, 0, 1, 0] });
    expect(JSON.stringify(summary)).not.toContain(alice.accountId);
    market.clock.advance(CHANGE_WITHIN_MS + 1);
    await expect(ratings.rate(alice, id, 1)).rejects.toEqual(refusal('rating_closed'));
  });

  it('moves quality, an account by no more than its bound however often it buys and rates', async () => {
    const bound = RATING_WEIGHT / (RATING_PRIOR_VOICES + 1);
    const bought: TransactionId[] = [];
    for (let round = 0; round < 12; round++) bought.push(await buy());
    const ofCarol = await market.customer(10_000);
    const hers = await buy(ofCarol);
    const measured = quality();
    for (const stars of [1, 5, 1]) {
      for (const id of bought) await ratings.rate(alice, id, stars);
      expect(Math.abs(quality() - measured)).toBeLessThanOrEqual(bound);
    }
    const byOne = quality();
    expect(byOne).toBeLessThan(measured);
    await ratings.rate(ofCarol, hers, 1);
    expect(quality()).toBeLessThan(byOne);
    // It stays when the server starts anew.
    const found = await createQualityStore(db.database).find(providerId());
    expect(found?.rating?.voices).toBe(2);
  });
});

describe('refused is', () => {
  it('a rating by a stranger, as about a transaction that does not exist; the owner has no say in it', async () => {
    const id = await buy();
    const stranger = await market.customer(10);
    const nobody = asId<TransactionId>('00000000-0000-4000-8000-000000000000');
    for (const actor of [stranger, provider.owner])
      await expect(ratings.rate(actor, id, 5)).rejects.toEqual(refusal('transaction_not_found'));
    await expect(ratings.rate(alice, nobody, 5)).rejects.toEqual(refusal('transaction_not_found'));
    await expect(ratings.get(stranger, id)).rejects.toEqual(refusal('rating_not_found'));
    await expect(ratings.summarize(alice, providerId())).rejects.toEqual(refusal('provider_not_found'));
  });

  it('one of what cost nothing, of a device of one’s own, or of what was given back', async () => {
    const own = await buy(provider.owner);
    await expect(ratings.rate(provider.owner, own, 5)).rejects.toEqual(refusal('transaction_unpaid'));
    const id = await buy();
    const { id: disputeId } = await market.disputes.open(alice, id, 'other', 'Nothing came.');
    await market.disputes.decide(market.administrator, disputeId, { outcome: 'refunded' }, 'So it was.');
    await expect(ratings.rate(alice, id, 5)).rejects.toEqual(refusal('transaction_unpaid'));
    expect(await market.balance(alice)).toMatchObject({ available: 10_000 });
  });

  it('the first one a month after the end', async () => {
    const id = await buy();
    market.clock.advance(RATE_WITHIN_MS + 1_000);
    await expect(ratings.rate(alice, id, 5)).rejects.toEqual(refusal('rating_closed'));
  });
});
