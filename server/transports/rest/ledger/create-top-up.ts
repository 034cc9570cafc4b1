import { z } from 'zod';
import type { LedgerService } from '../../../domains/ledger/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { centsToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { centsSchema, idempotencyKeySchema, idSchema, timeSchema, toIsoTime } from '../schemas.ts';

export const createTopUp = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.topUps.create',
    method: 'POST',
    path: '/api/v1/ledger/top-ups',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'money',
    summary: 'Gives a user money from outside. The header Idempotency-Key is required; repeating it is safe.',
    headers: z.object({ 'Idempotency-Key': idempotencyKeySchema }),
    body: z.strictObject({ userId: idSchema, amountCents: centsSchema }),
    response: z.object({
      transferId: z.uuid(),
      userId: z.uuid(),
      amountCents: centsSchema,
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
        amountCents: BigInt(body.amountCents),
        idempotencyKey: request.header('idempotency-key') ?? null,
      });
      const { transferId, accountId, amountCents, createdAtMs } = topUp;
      return {
        transferId,
        userId: accountId,
        amountCents: centsToJson(amountCents),
        createdAt: toIsoTime(createdAtMs),
      };
    },
  });
