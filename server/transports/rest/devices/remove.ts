import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema } from './schemas.ts';

/** Removes a device. Its connections end at once and its credentials are worth nothing. */
export const removeDevice = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.remove',
    method: 'DELETE',
    path: '/api/v1/devices/:deviceId',
    access: 'devices.remove',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Unregisters a device: its credentials stop working and its sessions end.',
    params: deviceParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['device_not_found', 'device_of_other_tenant'],
    handle: async ({ actor, params }) => {
      await devices.removeDevice(actor, asId<DeviceId>(params.deviceId));
      return { removed: true as const };
    },
  });
