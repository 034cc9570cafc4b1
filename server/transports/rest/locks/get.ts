import type { LockService } from '../../../domains/locks/index.ts';
import { asId, type LockId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { lockParamsSchema, lockSchema, lockToJson } from './schemas.ts';

/** One lock with its holders and its queue. */
export const getLock = ({ locks }: { locks: LockService }) =>
  defineRoute({
    operation: 'locks.get',
    method: 'GET',
    path: '/api/v1/locks/:lockId',
    access: 'locks.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'A lock: who holds it, and who waits for it.',
    params: lockParamsSchema,
    response: lockSchema,
    status: 200,
    errors: ['lock_not_found'],
    handle: async ({ actor, params }) => lockToJson(await locks.get(actor, asId<LockId>(params.lockId))),
  });
