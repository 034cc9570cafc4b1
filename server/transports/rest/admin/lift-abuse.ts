import { z } from 'zod';
import type { AbuseService } from '../../../domains/abuse/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';

/** An operator undoes what was done about somebody. */
export const liftAbuse = ({ abuse }: { abuse: AbuseService }) =>
  defineRoute({
    operation: 'admin.abuse.lift',
    method: 'DELETE',
    path: '/api/v1/admin/abuse/:measureId',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Undoes a throttle, a cut or a lock, and forgets what led to it.',
    params: z.strictObject({ measureId: idSchema }),
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['abuse_measure_not_found'],
    handle: async ({ actor, params }) => {
      await abuse.liftMeasure(actor, params.measureId);
      return { removed: true as const };
    },
  });
