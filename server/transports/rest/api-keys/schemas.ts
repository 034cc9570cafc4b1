import { z } from 'zod';
import { API_KEY_ENTRIES_MAX, type ApiKey } from '../../../domains/accounts/index.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { moneySchema } from '../ledger/schemas.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';
import { amountToJson } from '../spending/schemas.ts';

/** Up to 100 of them, each once. */
export const entriesOf = <Entry extends z.ZodType<string, string>>(entry: Entry) =>
  z
    .array(entry)
    .min(1)
    .max(API_KEY_ENTRIES_MAX)
    .transform((entries) => [...new Set(entries)]);

export const apiKeySchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    operations: z.array(z.string()).describe('What it is for: names of operations, `area.*`, or `*`.'),
    models: z.array(z.string()).nullable().describe('Null: any.'),
    deviceIds: z.array(z.uuid()).nullable().describe('Null: any.'),
    spendingLimit: moneySchema.nullable().describe('In all. Null: none but the balance.'),
    spendingLimitPerDay: moneySchema.nullable().describe('Of UTC. Null: none.'),
    spendingLimitPerMonth: moneySchema.nullable(),
    spent: moneySchema.describe('What was paid for requests that came with it.'),
    spentToday: moneySchema.describe('Of UTC, as the limits are.'),
    spentThisMonth: moneySchema,
    held: moneySchema.describe(
      'What is set aside for those that have not ended; it counts against every limit.',
    ),
    createdAt: timeSchema,
    expiresAt: timeSchema.nullable().describe('Null: not by itself.'),
    lastUsedAt: timeSchema.nullable().describe('To the minute.'),
  })
  .meta({ id: 'ApiKey' });

export const apiKeyParamsSchema = z.strictObject({ keyId: idSchema });

/** An API key as REST shows it. */
export const apiKeyToJson = (key: ApiKey) => ({
  id: key.id,
  name: key.name,
  operations: [...key.scope.operations],
  models: key.scope.models === null ? null : [...key.scope.models],
  deviceIds: key.scope.deviceIds === null ? null : [...key.scope.deviceIds],
  spendingLimit: amountToJson(key.scope.spendMicrocentsMax),
  spendingLimitPerDay: amountToJson(key.limits.dayMicrocentsMax),
  spendingLimitPerMonth: amountToJson(key.limits.monthMicrocentsMax),
  spent: moneyToJson(key.spentMicrocents),
  spentToday: moneyToJson(key.daySpentMicrocents),
  spentThisMonth: moneyToJson(key.monthSpentMicrocents),
  held: moneyToJson(key.heldMicrocents),
  createdAt: toIsoTime(key.createdAtMs),
  expiresAt: toIsoTimeOrNull(key.expiresAtMs),
  lastUsedAt: toIsoTimeOrNull(key.lastUsedAtMs),
});
