import { z } from 'zod';
import {
  CHECK_VERDICTS,
  FEATURES,
  featuresOf,
  type ListedProvider,
} from '../../../domains/providers/index.ts';
import type { Transaction } from '../../../domains/transactions/index.ts';
import { moneyToJson, priceToText } from '../../../kernel/money.ts';
import { moneySchema } from '../ledger/schemas.ts';
import { timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

const price = z.string().describe('Cents for 1000 tokens, in decimal with up to six places.');

const share = z.number().min(0).max(1).describe('From 0 (worst) to 1 (best).');

/** What a provider's owner says of it. */
export const shownDataPolicy = z
  .object({ retentionDays: z.int(), trainsOnData: z.boolean(), note: z.string().nullable() })
  .nullable()
  .describe('What its owner says that becomes of prompts and answers; nobody can check it. null: nothing.');
export const shownHardware = z
  .object({ name: z.string(), memoryGigabytes: z.number().nullable() })
  .nullable();

export const providerSchema = z
  .object({
    id: z.uuid(),
    dataPolicy: shownDataPolicy,
    hardware: shownHardware,
    slots: z.int().describe('Requests it serves at the same time.'),
    quality: share,
    latency: share,
    availability: share,
    checks: z
      .array(
        z.object({
          model: z.string(),
          verdict: z
            .enum(CHECK_VERDICTS)
            .describe(
              '`agrees`: it answers as the reference, or as most owners do. `differs`: otherwise than another one, and nobody can say who is right. `doubted`: otherwise than the reference, or than most; it gets no requests for a day.',
            ),
          comparedTokens: z.int(),
          checkedAt: timeSchema.nullable(),
        }),
      )
      .describe('What checks have found of its models: evidence, no proof (docs/checks.md).'),
    models: z.array(
      z.object({
        name: z.string(),
        pricesCentsPer1000Tokens: z.object({ prompt: price, cachedPrompt: price, completion: price }),
        contextTokens: z.int(),
        continuesAnswers: z.boolean().describe('It goes on with an answer that another provider began.'),
        features: z.array(z.enum(FEATURES)).describe('What requests for it may ask for.'),
        fields: z
          .array(z.string())
          .describe("Further fields of a request's body that its endpoint understands."),
      }),
    ),
  })
  .meta({ id: 'Provider' });

/** A provider as REST shows it: nothing of its device, network or owner. */
export const providerToJson = ({ models, checks, ...provider }: ListedProvider) => ({
  ...provider,
  checks: checks.map(({ checkedAtMs, ...check }) => ({ ...check, checkedAt: toIsoTimeOrNull(checkedAtMs) })),
  models: models.map((model) => ({
    name: model.name,
    contextTokens: model.contextTokens,
    continuesAnswers: model.continuesAnswers,
    features: featuresOf([model]),
    fields: [...(model.capabilities?.fields ?? [])],
    pricesCentsPer1000Tokens: {
      prompt: priceToText(model.prices.prompt),
      cachedPrompt: priceToText(model.prices.cachedPrompt),
      completion: priceToText(model.prices.completion),
    },
  })),
});

export const transactionSchema = z
  .object({
    id: z.uuid(),
    role: z.enum(['requester', 'provider']).describe('Your side of it.'),
    state: z.enum(['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED']),
    model: z.string(),
    providerId: z.uuid(),
    promptTokens: z.int(),
    completionTokens: z.int(),
    billedTokens: z.int().describe("The smaller of the server's and the provider's count."),
    tokenizer: z
      .string()
      .nullable()
      .describe("What counted: the SHA-256 of the model's tokenizer.json, in hexadecimal; null: o200k_base."),
    estimated: z
      .boolean()
      .describe("True: o200k_base counted in place of the model's own tokenizer, which nobody has brought."),
    cost: moneySchema,
    fee: moneySchema,
    earnings: moneySchema,
    allowance: moneySchema.describe('What of the cost an allowance of yours paid, as who asked.'),
    refunded: moneySchema.describe('What of the cost went back to who asked, by a dispute.'),
    refundedEarnings: moneySchema.describe('What of that its providers have lost.'),
    finishReason: z.string().nullable(),
    failureCode: z.string().nullable(),
    createdAt: timeSchema,
    finishedAt: timeSchema.nullable(),
  })
  .meta({ id: 'Transaction' });

/** A transaction as REST shows it to one of its sides. */
export const transactionToJson = (transaction: Transaction) => {
  const { createdAtMs, finishedAtMs, costMicrocents, feeMicrocents, earningsMicrocents, ...others } =
    transaction;
  const { allowanceMicrocents, refundedMicrocents, refundedEarningsMicrocents, ...same } = others;
  return {
    ...same,
    estimated: same.tokenizer === null,
    cost: moneyToJson(costMicrocents),
    fee: moneyToJson(feeMicrocents),
    earnings: moneyToJson(earningsMicrocents),
    allowance: moneyToJson(allowanceMicrocents),
    refunded: moneyToJson(refundedMicrocents),
    refundedEarnings: moneyToJson(refundedEarningsMicrocents),
    createdAt: toIsoTime(createdAtMs),
    finishedAt: toIsoTimeOrNull(finishedAtMs),
  };
};
