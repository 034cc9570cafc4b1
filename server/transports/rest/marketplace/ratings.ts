import { z } from 'zod';
import { type Rating, type RatingService, STARS_MAX } from '../../../domains/ratings/index.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

const stars = z.int().min(1).max(STARS_MAX);

/** A rating, for who gave it. */
export const ratingSchema = z
  .object({
    transactionId: z.uuid(),
    stars,
    ratedAt: timeSchema,
    changeableUntil: timeSchema.describe('Until then it may be changed.'),
  })
  .meta({ id: 'Rating' });

const ratingToJson = ({ transactionId, stars: given, ratedAtMs, changeableUntilMs }: Rating) => ({
  transactionId,
  stars: given,
  ratedAt: toIsoTime(ratedAtMs),
  changeableUntil: toIsoTime(changeableUntilMs),
});

/** What is thought of a provider, for its owner. */
export const providerRatingsSchema = z
  .object({
    ratings: z.int(),
    accounts: z.int().describe('Who rated it: each counts once, with the mean of its stars.'),
    meanStars: z.number().min(1).max(STARS_MAX).nullable(),
    byStars: z.array(z.int()).length(STARS_MAX).describe('One star first.'),
  })
  .meta({ id: 'ProviderRatings' });

const params = z.strictObject({ transactionId: idSchema });
const path = '/api/v1/marketplace/transactions/:transactionId/rating';

/** Who paid for a request says what it was worth. */
export const rateTransaction = ({ ratings }: { ratings: RatingService }) =>
  defineRoute({
    operation: 'marketplace.ratings.set',
    method: 'PUT',
    path,
    access: 'market.request',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Rates a request that you paid somebody else for with one to five stars, within 30 days, or changes that within 7 days. The provider is not told who.',
    params,
    body: z.strictObject({ stars }),
    response: ratingSchema,
    status: 200,
    errors: ['transaction_not_found', 'transaction_unpaid', 'rating_closed'],
    handle: async ({ actor, params: { transactionId }, body }) =>
      ratingToJson(await ratings.rate(actor, asId<TransactionId>(transactionId), body.stars)),
  });

/** What the account said itself. */
export const getRating = ({ ratings }: { ratings: RatingService }) =>
  defineRoute({
    operation: 'marketplace.ratings.get',
    method: 'GET',
    path,
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Your own rating of a request.',
    params,
    response: ratingSchema,
    status: 200,
    errors: ['rating_not_found'],
    handle: async ({ actor, params: { transactionId } }) =>
      ratingToJson(await ratings.get(actor, asId<TransactionId>(transactionId))),
  });

/** What is thought of a provider, for its owner. */
export const summarizeRatings = ({ ratings }: { ratings: RatingService }) =>
  defineRoute({
    operation: 'marketplace.ratings.summarize',
    method: 'GET',
    path: '/api/v1/marketplace/providers/:providerId/ratings',
    access: 'market.sell',
    cost: COSTS.read,
    audit: 'none',
    summary: 'How a provider of yours was rated: how often with how many stars, not by whom.',
    params: z.strictObject({ providerId: idSchema }),
    response: providerRatingsSchema,
    status: 200,
    errors: ['provider_not_found'],
    handle: async ({ actor, params: { providerId } }) => {
      const { byStars, ...same } = await ratings.summarize(actor, providerId);
      return { ...same, byStars: [...byStars] };
    },
  });
