import { z } from 'zod';
import { CLAIM_POLL_SECONDS, type DeviceService } from '../../../domains/devices/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';
import { sessionKeySchema, worldTypeSchema } from './schemas.ts';

/** A device that belongs to nobody gets a code to show. */
export const createClaim = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'claims.create',
    method: 'POST',
    path: '/api/v1/device-claims',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary: 'For a device without an owner: a code to show, and a secret to come for its credentials with.',
    body: z.strictObject({ worldType: worldTypeSchema, sessionKey: sessionKeySchema }),
    response: z.object({
      claimId: z.uuid(),
      code: z.string().describe('What the device shows, as text or in a QR code.'),
      secret: z.string().describe('What the device keeps to itself.'),
      expiresAt: timeSchema,
      pollSeconds: z.int().describe('How often the device should ask whether it was claimed.'),
    }),
    status: 201,
    errors: [],
    handle: async ({ body }) => {
      const { expiresAtMs, ...claim } = await devices.openClaim(body);
      return { ...claim, expiresAt: toIsoTime(expiresAtMs), pollSeconds: CLAIM_POLL_SECONDS };
    },
  });
