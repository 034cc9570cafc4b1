import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, nameSchema } from '../schemas.ts';
import {
  assignedIdSchema,
  credentialsSchema,
  deviceSchema,
  deviceToJson,
  sessionKeySchema,
  worldTypeSchema,
} from './schemas.ts';

/** Registers a device in a network of the tenant; the only answer that has its credentials. */
export const createDevice = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.create',
    method: 'POST',
    path: '/api/v1/devices',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Registers a device in one of your networks and gives its credentials, once.',
    body: z.strictObject({
      name: nameSchema,
      networkId: idSchema,
      worldType: worldTypeSchema,
      assignedId: assignedIdSchema.optional(),
      sessionKey: sessionKeySchema,
    }),
    response: z.object({
      device: deviceSchema,
      credentials: credentialsSchema.describe('Shown this once.'),
    }),
    status: 201,
    errors: ['network_not_found', 'device_name_taken', 'device_id_taken', 'limit_reached'],
    handle: async ({ actor, body }) => {
      const networkId = asId<NetworkId>(body.networkId);
      const { device, token, signingKey } = await devices.registerDevice(actor, {
        ...body,
        networkId,
        assignedId: body.assignedId ?? null,
      });
      return {
        device: deviceToJson(device),
        credentials: {
          deviceId: device.id,
          networkId,
          token,
          signingKey: Buffer.from(signingKey).toString('base64url'),
        },
      };
    },
  });
