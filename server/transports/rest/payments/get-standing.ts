import { z } from 'zod';
import type { PaymentService } from '../../../domains/payments/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { paymentStandingSchema } from './schemas.ts';

/** An operator looks up who can pay and be paid. */
export const getPaymentStanding = ({ payments }: { payments: PaymentService }) =>
  defineRoute({
    operation: 'payments.standing.get',
    method: 'GET',
    path: '/api/v1/admin/payment-standing/:userId',
    access: 'platform.operate',
    cost: COSTS.read,
    audit: 'access',
    summary: 'Whether a user has verified ways to pay and to be paid.',
    params: z.strictObject({ userId: idSchema }),
    response: paymentStandingSchema,
    status: 200,
    errors: ['user_not_found'],
    handle: async ({ actor, params }) => payments.getStanding(actor, asId<AccountId>(params.userId)),
  });
