import { z } from 'zod';
import type { LedgerService } from '../../../domains/ledger/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { centsToMicrocents, type Microcents, moneyToJson, parseEuros } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { centsSchema, idempotencyKeySchema, idSchema, timeSchema, toIsoTime } from '../schemas.ts';
import { moneyInputSchema, moneySchema } from './schemas.ts';

const topUpSchema = z
  .strictObject({
    userId: idSchema,
    amountCents: centsSchema.optional(),
    amount: moneyInputSchema.optional(),
  })
  .refine(
    ({ amountCents, amount }) => (amountCents === undefined) !== (amount === undefined),
    'Give exactly one of amountCents and amount.',
  );

/** An operator books money that arrived outside, once for each idempotency key. */
export const createTopUp = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.topUps.create',
    method: 'POST',
    path: '/api/v1/ledger/top-ups',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'money',
    summary:
      'Gives a user money from outside, as `amountCents` or as `amount`. The header Idempotency-Key is required; repeating it is safe.',
    headers: z.object({ 'Idempotency-Key': idempotencyKeySchema }),
    body: topUpSchema,
    response: z.object({
      transferId: z.uuid(),
      userId: z.uuid(),
      amount: moneySchema,
      createdAt: timeSchema,
    }),
    status: 201,
    errors: [
      'idempotency_key_required',
      'idempotency_key_reused',
      'user_not_found',
      'amount_out_of_range',
      'invalid_input',
    ],
    handle: async ({ actor, body, request }) => {
      const topUp = await ledger.topUp(actor, {
        accountId: asId<AccountId>(body.userId),
        amountMicrocents: amountOf(body),
        idempotencyKey: request.header('idempotency-key') ?? null,
      });
      const { transferId, accountId, amountMicrocents, createdAtMs } = topUp;
      return {
        transferId,
        userId: accountId,
        amount: moneyToJson(amountMicrocents),
        createdAt: toIsoTime(createdAtMs),
      };
    },
  });

/** The amount in whichever of the two forms it was given. */
function amountOf({ amountCents, amount }: z.output<typeof topUpSchema>): Microcents {
  if (amountCents !== undefined) return centsToMicrocents(BigInt(amountCents));
  // The schema took nothing that can't be read; 0 would be refused.
  return (amount && parseEuros(amount.value)) ?? 0n;
}
