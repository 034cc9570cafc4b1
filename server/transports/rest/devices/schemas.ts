import { z } from 'zod';
import { type Device, type Membership, WORLD_TYPES } from '../../../domains/devices/index.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

export const worldTypeSchema = z
  .enum(WORLD_TYPES)
  .describe('jotunheim: microcontroller, midgard: desktop, alfheim: phone or browser, asgard: home server.');

export const deviceSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    worldType: worldTypeSchema,
    guest: z
      .boolean()
      .describe('Of another tenant, in a network of yours: its capabilities and times are not shown.'),
    networkIds: z.array(z.uuid()).describe('Those that you see.'),
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

export const deviceNetworkParamsSchema = z.strictObject({ deviceId: idSchema, networkId: idSchema });

export const deviceNetworkSchema = z
  .object({ networkId: z.uuid(), joinedAt: timeSchema })
  .meta({ id: 'DeviceNetwork' });

/** A device's membership of a network as REST shows it. */
export const deviceNetworkToJson = ({ networkId, joinedAtMs }: Membership) => ({
  networkId,
  joinedAt: toIsoTime(joinedAtMs),
});

/** A device as REST shows it. */
export const deviceToJson = (device: Device) => ({
  id: device.id,
  name: device.name,
  worldType: device.worldType,
  guest: device.guest,
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
  lastSeenAt: device.lastSeenAtMs === null ? null : toIsoTime(device.lastSeenAtMs),
  createdAt: toIsoTime(device.createdAtMs),
});
