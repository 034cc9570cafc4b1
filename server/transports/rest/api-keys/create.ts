import { z } from 'zod';
import { type AccountService, API_KEY_OPERATIONS_DEFAULT } from '../../../domains/accounts/index.ts';
import { matchesOperation } from '../../../kernel/credential-scope.ts';
import { invalidInput } from '../../../kernel/errors.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { BALANCE_MICROCENTS_MAX, parseEuros } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { moneyInputSchema } from '../ledger/schemas.ts';
import { idSchema, nameSchema, timeSchema } from '../schemas.ts';
import { toLimits } from '../spending/schemas.ts';
import { apiKeySchema, apiKeyToJson, entriesOf } from './schemas.ts';

const bodySchema = z.strictObject({
  name: nameSchema,
  operations: entriesOf(z.string().regex(/^(\*|[A-Za-z.]{1,100}(\.\*)?)$/, 'a name, `area.*`, or `*`'))
    .optional()
    .describe(
      'Operations by name (`operationId` of this document), `area.*`, or `*`; `openai.*` and `anthropic.*` where it is left out.',
    ),
  models: entriesOf(z.string().regex(/^[A-Za-z0-9._:/-]{1,128}$/)).optional(),
  deviceIds: entriesOf(idSchema).optional(),
  spendingLimit: moneyInputSchema.optional().describe('The most it may spend in all.'),
  spendingLimitPerDay: moneyInputSchema.optional().describe('The most in a day of UTC.'),
  spendingLimitPerMonth: moneyInputSchema.optional().describe('The most in a month of UTC.'),
  expiresAt: timeSchema.optional(),
});

/** One more API key for the account that asks; the only answer that has its secret. */
export const createApiKey = (
  { accounts }: { accounts: AccountService },
  operationNames: () => readonly string[],
) =>
  defineRoute({
    operation: 'users.apiKeys.create',
    method: 'POST',
    path: '/api/v1/users/me/api-keys',
    access: 'account.manage',
    cost: COSTS.write,
    needsProof: true,
    audit: 'change',
    summary:
      'One more API key for the tenant you act in, limited as you say. OpenAI clients take it as theirs. Tokens and keys are 100 at most.',
    body: bodySchema,
    response: z.object({
      key: apiKeySchema,
      secret: z.string().describe('The key itself, shown this once.'),
    }),
    status: 201,
    errors: ['limit_reached', 'amount_out_of_range'],
    handle: async ({ actor, body }) => {
      const operations = body.operations ?? API_KEY_OPERATIONS_DEFAULT;
      requireKnown(operations, operationNames());
      const { key, secret } = await accounts.createApiKey(actor, {
        name: body.name,
        scope: {
          operations,
          models: body.models ?? null,
          deviceIds: body.deviceIds?.map((id) => asId<DeviceId>(id)) ?? null,
          spendMicrocentsMax: limitOf(body.spendingLimit),
        },
        limits: toLimits({
          day: body.spendingLimitPerDay ?? null,
          month: body.spendingLimitPerMonth ?? null,
        }),
        expiresAtMs: body.expiresAt === undefined ? null : Date.parse(body.expiresAt),
      });
      return { key: apiKeyToJson(key), secret };
    },
  });

/** A slip of the pen would make a key for nothing. */
function requireKnown(patterns: readonly string[], names: readonly string[]): void {
  const unknown = patterns.find((pattern) => !names.some((name) => matchesOperation(pattern, name)));
  if (unknown !== undefined) throw invalidInput('operations: no operation is called so', { unknown });
}

function limitOf(limit: { readonly value: string } | undefined): bigint | null {
  if (limit === undefined) return null;
  const microcents = parseEuros(limit.value) ?? -1n;
  if (microcents < 0n || microcents > BALANCE_MICROCENTS_MAX)
    throw invalidInput('spendingLimit: out of range');
  return microcents;
}
