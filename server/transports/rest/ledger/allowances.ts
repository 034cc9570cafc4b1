import { z } from 'zod';
import { ALLOWANCE_TOKENS_MAX, type AllowanceService } from '../../../domains/ledger/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { priceToText } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idempotencyKeySchema, idSchema, timeSchema, toIsoTime } from '../schemas.ts';

const allowanceShape = {
  id: z.uuid(),
  tokens: z.int(),
  referenceCentsPer1000Tokens: z
    .string()
    .describe('Its tokens count at this price: a model at half of it uses half a token for each.'),
  grantedAt: timeSchema,
  endsAt: timeSchema,
};

interface ShownAllowance {
  readonly id: string;
  readonly tokens: bigint;
  readonly referenceMicrocents: bigint;
  readonly grantedAtMs: number;
  readonly endsAtMs: number;
}

const allowanceToJson = ({ id, tokens, referenceMicrocents, grantedAtMs, endsAtMs }: ShownAllowance) => ({
  id,
  tokens: Number(tokens),
  referenceCentsPer1000Tokens: priceToText(referenceMicrocents),
  grantedAt: toIsoTime(grantedAtMs),
  endsAt: toIsoTime(endsAtMs),
});

/** An operator grants tokens, once for each idempotency key. */
export const grantAllowance = ({ allowances }: { allowances: AllowanceService }) =>
  defineRoute({
    operation: 'ledger.allowances.grant',
    method: 'POST',
    path: '/api/v1/ledger/allowances',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'money',
    summary:
      'Grants a user tokens at the price of reference, until a time: they pay for requests before the balance does (docs/allowances.md). The header Idempotency-Key is required; repeating it is safe.',
    headers: z.object({ 'Idempotency-Key': idempotencyKeySchema }),
    body: z.strictObject({
      userId: idSchema,
      tokens: z.int().min(1).max(Number(ALLOWANCE_TOKENS_MAX)),
      endsAt: timeSchema.transform((time) => Date.parse(time)),
    }),
    response: z.object({ ...allowanceShape, userId: z.uuid() }),
    status: 201,
    errors: [
      'idempotency_key_required',
      'idempotency_key_reused',
      'user_not_found',
      'amount_out_of_range',
      'invalid_input',
    ],
    handle: async ({ actor, body: { userId, tokens, endsAt }, request }) => {
      const granted = await allowances.grant(actor, {
        accountId: asId<AccountId>(userId),
        tokens: BigInt(tokens),
        endsAtMs: endsAt,
        idempotencyKey: request.header('idempotency-key') ?? null,
      });
      return { ...allowanceToJson(granted), userId };
    },
  });

/** An allowance, for whose it is. */
export const allowanceSchema = z
  .object({
    ...allowanceShape,
    tokensLeft: z
      .int()
      .describe(
        'Without what is set aside for requests that run. What is used counts against the allowance that ends first.',
      ),
  })
  .meta({ id: 'Allowance' });

/** What was granted to the tenant, and what is left of it. */
export const listAllowances = ({ allowances }: { allowances: AllowanceService }) =>
  defineRoute({
    operation: 'ledger.allowances.list',
    method: 'GET',
    path: '/api/v1/ledger/allowances',
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'Your allowances, those that end last first: tokens that pay for requests before your balance does.',
    response: z.object({
      items: z.array(allowanceSchema),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({
      items: (await allowances.list(actor)).map(({ tokensLeft, ...allowance }) => ({
        ...allowanceToJson(allowance),
        tokensLeft: Number(tokensLeft),
      })),
    }),
  });
