import { z } from 'zod';
import type { AuditService } from '../../../domains/audit/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { countersignatureInput, placeSchema } from './schemas.ts';

/** Keeps a witness's signature of a head. */
export const countersignAuditHead = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.countersignatures.create',
    method: 'POST',
    path: '/api/v1/audit/heads/:size/countersignatures',
    access: 'audit.witness',
    cost: COSTS.write,
    audit: 'change',
    summary: 'A witness says that it has kept this head. Once is enough: again changes nothing.',
    params: z.strictObject({ size: placeSchema }),
    body: countersignatureInput,
    response: z.object({ kept: z.literal(true) }),
    status: 201,
    errors: ['audit_record_not_found', 'limit_reached'],
    async handle({ actor, params, body }) {
      await audit.countersign(actor, { size: params.size, ...body });
      return { kept: true as const };
    },
  });
