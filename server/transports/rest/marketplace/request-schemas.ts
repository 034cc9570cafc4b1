import { z } from 'zod';
import { FEATURES } from '../../../domains/providers/index.ts';
import { moneySchema } from '../ledger/schemas.ts';
import { timeSchema } from '../schemas.ts';

/** What a request to the market is. */
export const marketRequestBody = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('As it is offered; `auto`, or none: those of your settings, or any that can do it.'),
    need: z
      .strictObject({
        features: z.array(z.enum(FEATURES)).max(FEATURES.length).optional(),
        sort: z.enum(['price', 'latency', 'throughput']).optional(),
      })
      .optional()
      .describe(
        'What the model, or its provider, must be able to do, and what counts where there are several.',
      ),
    prompt: z.string().min(1).optional(),
    messages: z
      .array(z.unknown())
      .min(1)
      .optional()
      .describe("A conversation, as OpenAI's, instead of a prompt."),
    maximumCostCents: z
      .string()
      .regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$/)
      .optional()
      .describe('The most it may cost, in cents: whole, or decimal with up to six places.'),
    completionTokensMax: z.int().min(1).optional(),
  })
  .refine(({ prompt, messages }) => (prompt === undefined) !== (messages === undefined), {
    message: 'Give `prompt` or `messages`.',
    path: ['prompt'],
  });

/** A request as its requester sees it. */
export const marketRequestSchema = z
  .object({
    id: z.uuid(),
    status: z.enum(['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED']),
    model: z.string().nullable().describe('Which one answers.'),
    answer: z.string().nullable(),
    finishReason: z.string().nullable(),
    cost: moneySchema.nullable().describe('What was billed.'),
    promptTokens: z.int().nullable(),
    completionTokens: z.int().nullable(),
    providersTried: z.array(z.string()).describe('The providers that were asked, in their order.'),
    transactionId: z.string().nullable(),
    failureCode: z.string().nullable(),
    createdAt: timeSchema,
  })
  .meta({ id: 'MarketRequest' });
