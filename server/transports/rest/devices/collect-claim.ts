import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { credentialsSchema } from './schemas.ts';

/** A device that waits asks whether it was claimed, and gets its credentials. */
export const collectClaim = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'claims.collect',
    method: 'POST',
    path: '/api/v1/device-claims/:claimId/credentials',
    access: 'public',
    cost: COSTS.read,
    audit: 'change',
    summary:
      'For a device that shows a code: its credentials, once its owner has claimed it; null until then.',
    params: z.strictObject({ claimId: idSchema }),
    body: z.strictObject({ secret: z.string().min(1).max(100) }),
    response: z.object({ credentials: credentialsSchema.nullable() }),
    status: 200,
    errors: ['claim_not_found'],
    handle: async ({ params, body }) => ({
      credentials: await devices.collectClaim(params.claimId, body.secret),
    }),
  });
