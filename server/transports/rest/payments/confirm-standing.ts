import { z } from 'zod';
import type { PaymentService } from '../../../domains/payments/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { paymentStandingSchema } from './schemas.ts';

/** An operator says who can pay and be paid. */
export const confirmPaymentStanding = ({ payments }: { payments: PaymentService }) =>
  defineRoute({
    operation: 'payments.standing.confirm',
    method: 'PUT',
    path: '/api/v1/admin/payment-standing/:userId',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'money',
    needsProof: true,
    summary:
      'Confirms, or takes back, that a user has verified ways to pay and to be paid. Only who can be paid is listed as a provider.',
    params: z.strictObject({ userId: idSchema }),
    body: z.strictObject({ canPay: z.boolean(), canBePaid: z.boolean() }),
    response: paymentStandingSchema,
    status: 200,
    errors: ['user_not_found', 'invalid_input'],
    handle: async ({ actor, params, body }) =>
      payments.confirmStanding(actor, asId<AccountId>(params.userId), body),
  });
