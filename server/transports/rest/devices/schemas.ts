import { z } from 'zod';
import { type Device, WORLD_TYPES } from '../../../domains/devices/index.ts';
import { idSchema, timeSchema } from '../schemas.ts';

export const worldTypeSchema = z
  .enum(WORLD_TYPES)
  .describe('jotunheim: microcontroller, midgard: desktop, alfheim: phone or browser, asgard: home server.');

export const deviceSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    worldType: worldTypeSchema,
    networkIds: z.array(z.uuid()),
    capabilities: z
      .object({
        platform: z.string(),
        firmware: z.string(),
        sensors: z.array(z.string()),
        actuators: z.array(z.string()),
        commands: z.array(z.string()),
      })
      .nullable()
      .describe('What the device said it can do.'),
    online: z.boolean(),
    lastSeenAt: timeSchema.nullable(),
    createdAt: timeSchema,
  })
  .meta({ id: 'Device' });

export const deviceParamsSchema = z.strictObject({ deviceId: idSchema });

/** A device as REST shows it. */
export const deviceToJson = (device: Device) => ({
  id: device.id,
  name: device.name,
  worldType: device.worldType,
  networkIds: [...device.networkIds],
  capabilities:
    device.capabilities === null
      ? null
      : {
          platform: device.capabilities.platform,
          firmware: device.capabilities.firmware,
          sensors: [...device.capabilities.sensors],
          actuators: [...device.capabilities.actuators],
          commands: [...device.capabilities.commands],
        },
  online: device.online,
  lastSeenAt: device.lastSeenAt?.toISOString() ?? null,
  createdAt: device.createdAt.toISOString(),
});
