import { z } from 'zod';
import { MODELS_MAX, type RequestSettings } from '../../../domains/requests/index.ts';
import { type Microcents, parsePrice, priceToText } from '../../../kernel/money.ts';
import { PROVIDERS_NAMED_MAX } from '../../chat/limits.ts';

const name = (charactersMax: number) =>
  z
    .string()
    .regex(/^[^\p{Cc}\p{Cs}]+$/u)
    .max(charactersMax);
const providers = z.array(name(64)).max(PROVIDERS_NAMED_MAX);
const sort = z.enum(['price', 'latency', 'throughput']);
const cents = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$/)
  .nullable()
  .describe('Cents, whole or decimal with up to six places; null: no limit.');

/** Settings as REST takes them: all are set, and what is left out is as if it had never been chosen. */
export const requestSettingsInput = z.strictObject({
  models: z
    .array(name(128))
    .max(MODELS_MAX)
    .optional()
    .describe('Tried, in this order, for a request that names no model or `auto`.'),
  providers: z
    .strictObject({
      only: providers.nullable().optional(),
      ignore: providers.optional(),
      order: providers.optional(),
      allowOthers: z.boolean().optional().describe('Whether others are asked after those in `order`.'),
      sort: sort.nullable().optional(),
    })
    .optional()
    .describe('By whom a request is served that says nothing of it: ids, or `own`.'),
  limits: z
    .strictObject({
      pricesCentsPer1000Tokens: z
        .strictObject({ prompt: cents.optional(), completion: cents.optional() })
        .optional(),
      maximumCostCents: cents.optional().describe('The most one request may cost.'),
    })
    .optional()
    .describe('For every request: it may set lower ones, not higher ones.'),
});

/** Settings as REST shows them. */
export const requestSettingsSchema = z
  .object({
    models: z.array(z.string()),
    providers: z.object({
      only: z.array(z.string()).nullable(),
      ignore: z.array(z.string()),
      order: z.array(z.string()),
      allowOthers: z.boolean(),
      sort: sort.nullable(),
    }),
    limits: z.object({
      pricesCentsPer1000Tokens: z.object({ prompt: cents, completion: cents }),
      maximumCostCents: cents,
    }),
  })
  .meta({ id: 'MarketSettings' });

const toAmount = (text: string | null | undefined): Microcents | null =>
  text === null || text === undefined ? null : parsePrice(text);
const toText = (amount: Microcents | null) => (amount === null ? null : priceToText(amount));

/** Settings from what REST takes. */
export const toRequestSettings = ({
  models = [],
  providers: by = {},
  limits = {},
}: z.output<typeof requestSettingsInput>): RequestSettings => ({
  models: [...new Set(models)],
  preferences: {
    only: by.only ?? null,
    ignore: by.ignore ?? [],
    order: by.order ?? [],
    allowsOthers: by.allowOthers ?? true,
    sort: by.sort ?? null,
    promptPriceMax: toAmount(limits.pricesCentsPer1000Tokens?.prompt),
    completionPriceMax: toAmount(limits.pricesCentsPer1000Tokens?.completion),
  },
  costMicrocentsMax: toAmount(limits.maximumCostCents),
});

/** Settings as REST shows them. */
export const requestSettingsToJson = ({ models, preferences: by, costMicrocentsMax }: RequestSettings) => ({
  models: [...models],
  providers: {
    only: by.only === null ? null : [...by.only],
    ignore: [...by.ignore],
    order: [...by.order],
    allowOthers: by.allowsOthers,
    sort: by.sort,
  },
  limits: {
    pricesCentsPer1000Tokens: {
      prompt: toText(by.promptPriceMax),
      completion: toText(by.completionPriceMax),
    },
    maximumCostCents: toText(costMicrocentsMax),
  },
});
