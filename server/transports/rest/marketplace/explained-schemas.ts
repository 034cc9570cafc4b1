import { z } from 'zod';
import { WITHHELD_REASONS } from '../../../domains/providers/index.ts';
import { timeSchema } from '../schemas.ts';

const share = z.number().min(0).max(1);
const cents = z.number().min(0).describe('Cents for 1000 tokens, half of them prompt.');

/** One choice of a provider. */
export const choiceSchema = z
  .object({
    model: z.string(),
    reason: z
      .enum(['share', 'cache', 'exploration', 'probe'])
      .describe(
        'Its share of the work was due; it has the prompt in its cache; it is new, or back; it is tried again after a pause.',
      ),
    chosenAt: timeSchema,
    offers: z.int().describe('Who offers the model.'),
    priceMaxCents: cents
      .nullable()
      .describe('Nobody dearer was asked; null: the request said what it would pay.'),
    candidates: z.array(
      z.object({
        providerId: z.uuid(),
        isChosen: z.boolean(),
        score: share.describe('Price 30 %, quality 25 %, latency 20 %, availability 15 %, fairness 10 %.'),
        price: share,
        quality: share,
        latency: share,
        availability: share,
        fairness: share.describe('In quarters.'),
      }),
    ),
  })
  .meta({ id: 'Choice' });

/** Something that was decided about a request. */
export const requestDecisionSchema = z
  .object({
    outcome: z
      .string()
      .describe(
        '`chosen`, after a failure `chosen_next`; `completed`, `failed` or `cancelled`; of a dispute `refused`, `refunded_partly` or `refunded`.',
      ),
    rule: z
      .string()
      .describe('Why the provider was chosen, how the request ended, what decided the dispute.'),
    reason: z.string(),
    by: z.enum(['rule', 'operator']).describe('Which operator, only operators are told.'),
    decidedAt: timeSchema,
  })
  .meta({ id: 'RequestDecision' });

/** A provider as its owner sees it. */
export const explainedProviderSchema = z
  .object({
    providerId: z.uuid(),
    declaredSlots: z.int(),
    slots: z.int().describe('Requests it is given at a time, by what it has shown.'),
    running: z.int(),
    successRate: share.nullable().describe('This and the next two: null while nothing of it is sold.'),
    quality: share.nullable(),
    availability: share.nullable(),
    pausedForMs: z.int().nullable().describe('Until a request is tried again; null: it is not put aside.'),
    withheld: z
      .enum(WITHHELD_REASONS)
      .nullable()
      .describe('Why nothing of it is sold now; null: it is on the market.'),
    models: z.array(
      z.object({
        name: z.string(),
        reasons: z
          .array(
            z.enum([
              'paused',
              'identity_doubted',
              'price_guard',
              'dearer_than_most',
              'slower_than_most',
              'unreliable',
              'low_quality',
              'fewer_slots_than_said',
              'endpoint_full',
              'all_slots_in_use',
              'answers_padded',
              'claims_too_many_tokens',
              'no_demand',
            ]),
          )
          .describe('What keeps work from it, the gravest first; empty: nothing does.'),
        priceCents: cents,
        medianPriceCents: cents.nullable(),
        latencyMs: z.int().nullable(),
        answers: z.int(),
        paddedShare: share.nullable().describe('Part of its text that was padding, which is not paid.'),
        claimRatio: z.number().min(0).nullable().describe('Tokens it claimed for each one counted.'),
      }),
    ),
  })
  .meta({ id: 'ProviderStanding' });
