import { z } from 'zod';
import type { AuditService } from '../../../domains/audit/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { limitSchema } from '../schemas.ts';
import { placeSchema, recordSchema, recordToJson } from './schemas.ts';

const RECORDS_MAX = 200;

/** The platform's own log: callers that nobody knows. */
export const listPlatformAuditRecords = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.platformRecords.list',
    method: 'GET',
    path: '/api/v1/admin/audit',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary:
      "For operators: the records that are no tenant's, such as attempts of unknown callers, from `from` on.",
    query: z.strictObject({ from: placeSchema.default(0), limit: limitSchema(RECORDS_MAX) }),
    response: z.object({ items: z.array(recordSchema) }),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => ({
      items: (await audit.listPlatformRecords(actor, query.from, query.limit)).map(recordToJson),
    }),
  });
