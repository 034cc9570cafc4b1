import { z } from 'zod';
import type { AuditService } from '../../../domains/audit/index.ts';
import { asId, type TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { recordSchema, recordToJson } from './schemas.ts';

const RECORDS_MAX = 200;

/** An operator looks into a tenant's log in an emergency, and says why. */
export const inspectAudit = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.inspections.create',
    method: 'POST',
    path: '/api/v1/admin/audit/inspections',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary:
      "For operators, in an emergency: a tenant's audit log. Who looked and why stands in that log before it is shown.",
    body: z.strictObject({
      tenantId: idSchema,
      reason: z
        .string()
        .trim()
        .min(10)
        .max(200)
        .regex(/^\P{Cc}*$/u, 'must have no control characters')
        .describe('The tenant reads it. No names or addresses of people.'),
      from: z.int().min(0).default(0),
      limit: z.int().min(1).max(RECORDS_MAX).default(RECORDS_MAX),
    }),
    response: z.object({ items: z.array(recordSchema) }),
    status: 200,
    errors: [],
    async handle({ actor, body }) {
      const { tenantId, ...asked } = body;
      return { items: (await audit.inspect(actor, asId<TenantId>(tenantId), asked)).map(recordToJson) };
    },
  });
