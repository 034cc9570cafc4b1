import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema } from './schemas.ts';

/** Puts a new token in the place of a device's; the only answer that has it. */
export const rotateDeviceToken = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.tokens.rotate',
    method: 'POST',
    path: '/api/v1/devices/:deviceId/token',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Gives a device another token. The one it had stops working, and what was opened with it ends.',
    params: deviceParamsSchema,
    response: z.object({ token: z.string().describe('Shown this once. The signing key stays as it is.') }),
    status: 201,
    errors: ['device_not_found', 'device_of_other_tenant'],
    handle: async ({ actor, params }) => ({
      token: await devices.rotateToken(actor, asId<DeviceId>(params.deviceId)),
    }),
  });
