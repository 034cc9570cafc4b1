import { z } from 'zod';
import { toHex } from '../../../../proto/index.ts';
import type { AuditService } from '../../../domains/audit/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pathSchema, placeSchema } from './schemas.ts';

const sizeSchema = placeSchema.refine((size) => size > 0, 'must be 1 at least');

/** Proves that a later log begins with an earlier one. */
export const proveAuditContinuation = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.consistency.get',
    method: 'GET',
    path: '/api/v1/audit/consistency',
    access: 'audit.witness',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'Proves that your audit log of `to` records begins with that of `from` (RFC 9162 section 2.1.4).',
    query: z.strictObject({ from: sizeSchema, to: sizeSchema }),
    response: z.object({ from: z.int(), to: z.int(), path: pathSchema }),
    status: 200,
    errors: ['audit_record_not_found'],
    async handle({ actor, query }) {
      const { path, ...sizes } = await audit.proveContinuation(actor, query.from, query.to);
      return { ...sizes, path: path.map(toHex) };
    },
  });
