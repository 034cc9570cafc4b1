import { z } from 'zod';
import type { ListedProvider, Transaction } from '../../../domains/marketplace/index.ts';
import { centsToJson } from '../../../kernel/money.ts';
import { centsSchema, timeSchema, toIsoTime } from '../schemas.ts';

const share = z.number().min(0).max(1).describe('From 0 (worst) to 1 (best).');

export const providerSchema = z
  .object({
    id: z.uuid(),
    slots: z.int().describe('Requests it serves at the same time.'),
    quality: share,
    latency: share,
    availability: share,
    models: z.array(
      z.object({ name: z.string(), priceCentsPer1000Tokens: centsSchema, contextTokens: z.int() }),
    ),
  })
  .meta({ id: 'Provider' });

/** A provider as REST shows it: nothing of its device, network or owner. */
export const providerToJson = ({ models, ...provider }: ListedProvider) => ({
  ...provider,
  models: models.map(({ name, contextTokens, priceCentsPer1000Tokens }) => ({
    name,
    contextTokens,
    priceCentsPer1000Tokens: centsToJson(priceCentsPer1000Tokens),
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
    costCents: centsSchema,
    feeCents: centsSchema,
    earningsCents: centsSchema,
    finishReason: z.string().nullable(),
    failureCode: z.string().nullable(),
    createdAt: timeSchema,
    finishedAt: timeSchema.nullable(),
  })
  .meta({ id: 'Transaction' });

/** A transaction as REST shows it to one of its sides. */
export const transactionToJson = (transaction: Transaction) => {
  const { createdAtMs, finishedAtMs, costCents, feeCents, earningsCents, ...same } = transaction;
  return {
    ...same,
    costCents: centsToJson(costCents),
    feeCents: centsToJson(feeCents),
    earningsCents: centsToJson(earningsCents),
    createdAt: toIsoTime(createdAtMs),
    finishedAt: finishedAtMs === null ? null : toIsoTime(finishedAtMs),
  };
};
