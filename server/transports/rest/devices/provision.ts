import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { assignedIdSchema, credentialsSchema, sessionKeySchema, worldTypeSchema } from './schemas.ts';

/** A device of a fleet registers itself. */
export const provisionDevice = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.provision',
    method: 'POST',
    path: '/api/v1/device-provisioning',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'For a device that was made with a bootstrap key: registers it and gives its credentials; the same answer to the same device for a day.',
    body: z.strictObject({
      key: z.string().min(1).max(100),
      deviceId: assignedIdSchema.describe('Its own id, as a serial number; it becomes its `assignedId`.'),
      secret: z
        .string()
        .min(32)
        .max(100)
        .describe(
          'What the device made by chance: it shows it again, with the same `sessionKey`, when its answer was lost.',
        ),
      worldType: worldTypeSchema,
      sessionKey: sessionKeySchema,
    }),
    response: credentialsSchema,
    status: 201,
    errors: [
      'bootstrap_key_wrong',
      'device_id_taken',
      'idempotency_key_in_flight',
      'network_not_found',
      'device_name_taken',
      'limit_reached',
      'forbidden',
    ],
    handle: ({ body: { key, deviceId: hardwareId, ...device } }) =>
      devices.provisionDevice(key, { ...device, hardwareId }).then((credentials) => ({ ...credentials })),
  });
