import type { AuditService } from '../../../domains/audit/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema } from '../paging.ts';
import { placeCursor, recordSchema, recordToJson } from './schemas.ts';

/** The tenant's audit log. */
export const listAuditRecords = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.records.list',
    method: 'GET',
    path: '/api/v1/audit',
    access: 'audit.read',
    cost: COSTS.write,
    audit: 'access',
    summary: "Who did what in your tenant, the last first: the tenant's audit log.",
    query: pageQuery(placeCursor),
    response: pageSchema(recordSchema),
    status: 200,
    errors: [],
    async handle({ actor, query }) {
      const records = await audit.listRecords(actor, query.after ?? null, query.limit);
      const last = records.length < query.limit ? null : (records.at(-1)?.index ?? null);
      return { items: records.map(recordToJson), next: placeCursor.next(last === 0 ? null : last) };
    },
  });
