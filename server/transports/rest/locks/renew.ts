import type { LockService } from '../../../domains/locks/index.ts';
import { asId, type LockClaimId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { claimParamsSchema, claimSchema, claimToJson, renewInput } from './schemas.ts';

/** Begins the lease of a lock anew. */
export const renewLock = ({ locks }: { locks: LockService }) =>
  defineRoute({
    operation: 'locks.renew',
    method: 'POST',
    path: '/api/v1/locks/claims/:claimId/renew',
    access: 'locks.use',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Begins the lease of a lock of yours anew.',
    params: claimParamsSchema,
    body: renewInput,
    response: claimSchema,
    status: 200,
    errors: ['lock_not_found', 'lock_expired', 'lock_preempted', 'lock_deadlock'],
    async handle({ actor, params, body }) {
      const leaseMs = body.leaseSeconds === undefined ? null : Math.round(body.leaseSeconds * 1000);
      return claimToJson(await locks.renew(actor, asId<LockClaimId>(params.claimId), leaseMs));
    },
  });
