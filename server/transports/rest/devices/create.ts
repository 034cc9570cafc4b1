import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, nameSchema } from '../schemas.ts';
import { deviceSchema, deviceToJson, worldTypeSchema } from './schemas.ts';

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
    }),
    response: z.object({
      device: deviceSchema,
      credentials: z
        .object({
          deviceId: z.uuid().describe('The MQTT user name.'),
          networkId: z.uuid(),
          token: z.string().describe('Bearer token, and the MQTT password.'),
          signingKey: z.string().describe('32 bytes in base64url: the HMAC-SHA256 key of every frame.'),
        })
        .describe('Shown this once.'),
    }),
    status: 201,
    errors: ['network_not_found', 'device_name_taken', 'limit_reached'],
    handle: async ({ actor, body }) => {
      const networkId = asId<NetworkId>(body.networkId);
      const { device, token, signingKey } = await devices.registerDevice(actor, { ...body, networkId });
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
