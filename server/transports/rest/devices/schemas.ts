import { z } from 'zod';
import {
  DEVICE_STATUSES,
  type Device,
  type Membership,
  WORLD_TYPES,
} from '../../../domains/devices/index.ts';
import { bytesSchema, idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

export const worldTypeSchema = z
  .enum(WORLD_TYPES)
  .describe(
    'jotunheim: microcontroller, midgard: desktop, alfheim: phone or browser, asgard: home server, ragnarok: any other platform.',
  );

export const deviceStatusSchema = z
  .enum(DEVICE_STATUSES)
  .describe(
    'active: connected and heard from within three heartbeats, inactive: connected and silent, offline: not connected.',
  );

/** Letters, digits and `. _ : -`, so that no two ids look alike. */
export const assignedIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/)
  .describe('Your own id for the device: unique in your tenant, in either case. Who has it first keeps it.');

/** The key of a device's sessions of Ratatoskr, where it has one before it is registered. */
export const sessionKeySchema = bytesSchema(32)
  .transform((text): Uint8Array => Buffer.from(text, 'base64url'))
  .nullable()
  .default(null)
  .describe(
    'The X25519 public key that its sessions of Ratatoskr will be opened with, 32 bytes in base64url: no other opens one with its token. Left out, the first that comes is taken.',
  );

export const deviceSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    assignedId: z.string().nullable().describe('The id that its owner gave it.'),
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
        sealKey: z
          .string()
          .nullable()
          .describe('The public key that other devices seal for; null: frames for it go as they are.'),
      })
      .nullable()
      .describe('What the device said it can do.'),
    online: z.boolean(),
    status: deviceStatusSchema,
    lastSeenAt: timeSchema.nullable(),
    createdAt: timeSchema,
  })
  .meta({ id: 'Device' });

/** What a device connects with. */
export const credentialsSchema = z.object({
  deviceId: z.uuid().describe('The MQTT user name.'),
  networkId: z.uuid(),
  token: z.string().describe('Bearer token, and the MQTT password.'),
  signingKey: z.string().describe('32 bytes in base64url: the HMAC-SHA256 key of every frame.'),
});

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
  assignedId: device.assignedId,
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
          sealKey: device.capabilities.sealKey ?? null,
        },
  online: device.online,
  status: device.status,
  lastSeenAt: toIsoTimeOrNull(device.lastSeenAtMs),
  createdAt: toIsoTime(device.createdAtMs),
});

/** One certificate, which may have its text before it, as `openssl ca` writes it: with RSA of 8,192 bits it is a quarter as long. */
export const pemSchema = z
  .string()
  .max(16_000)
  .regex(/-----BEGIN CERTIFICATE-----/);
