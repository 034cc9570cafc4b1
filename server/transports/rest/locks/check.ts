import { z } from 'zod';
import { LOCK_MODES, type LockService } from '../../../domains/locks/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';
import { askedScope, checkInput } from './schemas.ts';

/** Whether a lock is held under a token. */
export const checkLockToken = ({ locks }: { locks: LockService }) =>
  defineRoute({
    operation: 'locks.check',
    method: 'POST',
    path: '/api/v1/locks/check',
    access: 'locks.read',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'For what a lock guards: whether it is held under this token now. 409 for every other. Keep the highest token, and refuse lower ones.',
    body: checkInput,
    response: z.object({
      lockId: z.uuid(),
      mode: z.enum(LOCK_MODES),
      expiresAt: timeSchema,
      lastToken: z.int(),
    }),
    status: 200,
    errors: ['network_not_found', 'device_not_found', 'lock_not_found', 'lock_token_stale'],
    async handle({ actor, body }) {
      const { name, token } = body;
      const { expiresAtMs, ...held } = await locks.check(actor, { name, token, ...askedScope(body) });
      return { ...held, expiresAt: toIsoTime(expiresAtMs) };
    },
  });
