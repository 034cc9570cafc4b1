import { z } from 'zod';
import { parsePrice } from '../kernel/money.ts';
import { APPROVALS, COST_ROUNDINGS, described, oneOf, priceInCents, uuids, wholeNumber } from './values.ts';

/** The values that say how computing time is sold, each by itself, with its variable. */
export const marketValues = {
  commissionBasisPoints: described(wholeNumber(1_000, 1_500).default(1_200), {
    variable: 'YGGDRASIL_COMMISSION_BASIS_POINTS',
    description: "The platform's share of a request's cost, in hundredths of a percent: 1000 to 1500.",
  }),
  ownRequestPriceCents: described(priceInCents.default('0'), {
    variable: 'YGGDRASIL_OWN_REQUEST_PRICE_CENTS',
    description:
      "What a request costs that a machine of its requester's own serves, in cents with up to six decimals: a flat price for carrying it.",
  }),
  allowancePriceCents: described(
    priceInCents
      .default('7.5')
      .refine((cents) => (parsePrice(cents) ?? 0n) > 0n, 'must be more than nothing'),
    {
      variable: 'YGGDRASIL_MARKET_ALLOWANCE_PRICE',
      description:
        'What 1000 tokens of an allowance are worth, in cents with up to six decimals: a model at half of it uses half a token for each. It counts for allowances that are granted from then on.',
    },
  ),
  costRounding: described(oneOf(COST_ROUNDINGS).default('microcent'), {
    variable: 'YGGDRASIL_COST_ROUNDING',
    description: "What a request's cost is rounded up to: `microcent` (a millionth of a cent) or `cent`.",
  }),
  holdTimeoutSeconds: described(wholeNumber(1, 86_400).default(1_200), {
    variable: 'YGGDRASIL_HOLD_TIMEOUT_SECONDS',
    description: "Life of the hold on a requester's balance; must outlast a request and its wait for a slot.",
  }),
  providerFirstTokenTimeoutMs: described(wholeNumber(100, 600_000).default(30_000), {
    variable: 'YGGDRASIL_PROVIDER_FIRST_TOKEN_TIMEOUT_MS',
    description: 'Milliseconds a provider has for the first piece of an answer; then the next one is asked.',
  }),
  providerStallTimeoutMs: described(wholeNumber(100, 600_000).default(15_000), {
    variable: 'YGGDRASIL_PROVIDER_STALL_TIMEOUT_MS',
    description: 'Milliseconds between two pieces of an answer; more is a stall.',
  }),
  requestTimeoutSeconds: described(wholeNumber(1, 7_200).default(600), {
    variable: 'YGGDRASIL_REQUEST_TIMEOUT_SECONDS',
    description: 'Seconds a compute request may take, whoever serves it.',
  }),
  slotWaitMs: described(wholeNumber(0, 600_000).default(10_000), {
    variable: 'YGGDRASIL_SLOT_WAIT_MS',
    description: 'Milliseconds a compute request waits for a slot while every provider is busy.',
  }),
  marketPriceGuard: described(wholeNumber(2, 1_000).default(5), {
    variable: 'YGGDRASIL_MARKET_PRICE_GUARD',
    description:
      'Times the median price of a model, by owner, that no provider is asked at, unless the request says itself what it would pay (`max_price`, `provider.only`).',
  }),
  marketApproval: described(oneOf(APPROVALS).default('rule'), {
    variable: 'YGGDRASIL_MARKET_APPROVAL',
    description:
      'How registrations of providers are approved: `rule` (all that are valid), or `hand` (an operator decides about each; see docs/providers.md).',
  }),
  marketCheckAccount: described(z.uuid('must be the id of a user').optional(), {
    variable: 'YGGDRASIL_MARKET_CHECK_ACCOUNT',
    description:
      'Id of the user whose balance pays for checks whether providers serve the models that they say (docs/checks.md). It asks as any customer, so its id should be known to nobody.',
    unset: 'nobody: nothing is checked',
  }),
  marketCheckCentsPerDay: described(wholeNumber(0, 1_000_000).default(100), {
    variable: 'YGGDRASIL_MARKET_CHECK_CENTS_PER_DAY',
    description: 'What all checks may cost a day (UTC), in cents; one costs 2 at most.',
  }),
  marketReferenceProviders: described(uuids.optional(), {
    variable: 'YGGDRASIL_MARKET_REFERENCE_PROVIDERS',
    description:
      'Ids of providers that serve what they say, separated by commas: where one of them answers a check, it decides; else most owners do.',
    unset: 'none',
  }),
  marketReleaseAfterHours: described(wholeNumber(0, 2_160).default(24), {
    variable: 'YGGDRASIL_MARKET_RELEASE_AFTER',
    description:
      'Hours that what a provider earns waits before it can be spent; until then its requester may dispute it (see docs/disputes.md). With `0` it can be spent at once, and nothing can be disputed.',
  }),
};
