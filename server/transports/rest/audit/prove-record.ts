import { z } from 'zod';
import { toHex } from '../../../../proto/index.ts';
import type { AuditService } from '../../../domains/audit/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { headSchema, headToJson, pathSchema, placeSchema, recordSchema, recordToJson } from './schemas.ts';

/** Proves that a record is in the tenant's log. */
export const proveAuditRecord = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.proofs.get',
    method: 'GET',
    path: '/api/v1/audit/proofs/:index',
    access: 'audit.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Proves that a record is in your audit log, under a signed head (RFC 9162 section 2.1.3).',
    params: z.strictObject({ index: placeSchema }),
    response: z.object({ record: recordSchema, head: headSchema, path: pathSchema }),
    status: 200,
    errors: ['audit_record_not_found'],
    async handle({ actor, params }) {
      const { record, head, path } = await audit.proveRecord(actor, params.index);
      return { record: recordToJson(record), head: headToJson(head), path: path.map(toHex) };
    },
  });
