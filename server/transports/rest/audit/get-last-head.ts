import { z } from 'zod';
import type { AuditService } from '../../../domains/audit/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { headSchema, headToJson } from './schemas.ts';

/** The last signed head, for witnesses: devices of the tenant, too. */
export const getLastAuditHead = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.heads.getLast',
    method: 'GET',
    path: '/api/v1/audit/heads/last',
    access: 'audit.witness',
    cost: COSTS.write,
    audit: 'none',
    summary: 'A signed head over all records of your audit log, for a witness to keep.',
    response: z.object({ head: headSchema.nullable().describe('Null: nothing was recorded yet.') }),
    status: 200,
    errors: [],
    async handle({ actor }) {
      const head = await audit.getLastHead(actor);
      return { head: head === null ? null : headToJson(head) };
    },
  });
