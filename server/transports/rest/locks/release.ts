import { z } from 'zod';
import type { LockService } from '../../../domains/locks/index.ts';
import { asId, type LockClaimId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { claimParamsSchema } from './schemas.ts';

/** Gives a lock back. */
export const releaseLock = ({ locks }: { locks: LockService }) =>
  defineRoute({
    operation: 'locks.release',
    method: 'DELETE',
    path: '/api/v1/locks/claims/:claimId',
    access: 'locks.use',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Gives a lock of yours back, or stops waiting for it.',
    params: claimParamsSchema,
    response: z.object({ released: z.literal(true) }),
    status: 200,
    errors: ['lock_not_found', 'lock_expired', 'lock_preempted', 'lock_deadlock'],
    async handle({ actor, params }) {
      await locks.release(actor, asId<LockClaimId>(params.claimId));
      return { released: true as const };
    },
  });
