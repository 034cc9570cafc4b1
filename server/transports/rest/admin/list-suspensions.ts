import { z } from 'zod';
import type { SuspensionService } from '../../../domains/administration/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { suspensionSchema, suspensionToJson } from './schemas.ts';

/** For operators: the tenants that reach nothing. */
export const listSuspensions = ({ suspensions }: { suspensions: SuspensionService }) =>
  defineRoute({
    operation: 'admin.suspensions.list',
    method: 'GET',
    path: '/api/v1/admin/suspensions',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary: 'The tenants that are suspended, the newest first; a thousand at most.',
    response: z.object({ items: z.array(suspensionSchema) }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({
      items: (await suspensions.listSuspensions(actor)).map(suspensionToJson),
    }),
  });
