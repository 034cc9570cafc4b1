import { z } from 'zod';
import { API_KEY_ENTRIES_MAX, type ApiKey } from '../../../domains/accounts/index.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { moneySchema } from '../ledger/schemas.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

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
    spendingLimit: moneySchema.nullable().describe('In all, not by month. Null: none but the balance.'),
    spent: moneySchema.describe('What was paid for requests that came with it.'),
    held: moneySchema.describe(
      'What is set aside for those that have not ended; it counts against the limit.',
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
  spendingLimit: key.scope.spendMicrocentsMax === null ? null : moneyToJson(key.scope.spendMicrocentsMax),
  spent: moneyToJson(key.spentMicrocents),
  held: moneyToJson(key.heldMicrocents),
  createdAt: toIsoTime(key.createdAtMs),
  expiresAt: toIsoTimeOrNull(key.expiresAtMs),
  lastUsedAt: toIsoTimeOrNull(key.lastUsedAtMs),
});
