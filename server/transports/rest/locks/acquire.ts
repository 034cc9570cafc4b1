import type { LockService } from '../../../domains/locks/index.ts';
import { asId, type LockClaimId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { acquireInput, askedScope, claimSchema, claimToJson } from './schemas.ts';

/** Takes a lock, or waits for it. */
export const acquireLock = ({ locks }: { locks: LockService }) =>
  defineRoute({
    operation: 'locks.acquire',
    method: 'POST',
    path: '/api/v1/locks',
    access: 'locks.use',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'Takes a lock on a name. Waits in the queue for `waitSeconds`; then 409, or 202 for who gave an `id`: it keeps its place for ten seconds.',
    body: acquireInput,
    response: claimSchema,
    status: 200,
    statusOf: ({ status }) => (status === 'held' ? 200 : 202),
    errors: [
      'network_not_found',
      'device_not_found',
      'lock_not_granted',
      'lock_already_held',
      'lock_deadlock',
      'lock_expired',
      'lock_preempted',
      'lock_not_found',
      'conflict',
      'limit_reached',
    ],
    async handle({ actor, body, request }) {
      const { name, mode, priority } = body;
      const asked = {
        name,
        mode,
        priority,
        ...askedScope(body),
        leaseMs: Math.round(body.leaseSeconds * 1000),
        waitMs: Math.round(body.waitSeconds * 1000),
        delayMs: Math.round(body.delaySeconds * 1000),
        holder: body.holder ?? null,
        claimId: body.id === undefined ? null : asId<LockClaimId>(body.id),
      };
      return claimToJson(await locks.acquire(actor, asked, request.signal));
    },
  });
