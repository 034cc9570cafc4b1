import { toHex } from '../../../../proto/index.ts';
import type { AuditService } from '../../../domains/audit/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema } from '../paging.ts';
import { toIsoTime } from '../schemas.ts';
import { headToJson, placeCursor, witnessedHeadSchema } from './schemas.ts';

/** The signed heads of the tenant's audit log, with who has countersigned them. */
export const listAuditHeads = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.heads.list',
    method: 'GET',
    path: '/api/v1/audit/heads',
    access: 'audit.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The signed heads of your audit log, the last first, with the countersignatures of witnesses.',
    query: pageQuery(placeCursor),
    response: pageSchema(witnessedHeadSchema),
    status: 200,
    errors: [],
    async handle({ actor, query }) {
      const heads = await audit.listHeads(actor, query.after ?? null, query.limit);
      const last = heads.length < query.limit ? null : (heads.at(-1)?.size ?? null);
      const items = heads.map(({ countersignatures, ...head }) => ({
        ...headToJson(head),
        countersignatures: countersignatures.map(({ publicKey, signature, principal, signedAtMs }) => ({
          publicKey: toHex(publicKey),
          signature: toHex(signature),
          principal,
          signedAt: toIsoTime(signedAtMs),
        })),
      }));
      return { items, next: placeCursor.next(last) };
    },
  });
