import { z } from 'zod';
import { WORLD_TYPES } from '../../../domains/devices/index.ts';
import {
  AT_ONCE_MAX,
  DEVICE_STATES,
  NAMED_DEVICES_MAX,
  PER_MINUTE_MAX,
  ROLLOUT_STATES,
  type RolloutDevice,
  type RolloutProgress,
} from '../../../domains/rollouts/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

export const rolloutParamsSchema = z.strictObject({ rolloutId: idSchema });

/** A week. */
const DEVICE_TIMEOUT_SECONDS_MAX = 604_800;
const FIRMWARE_CHARACTERS_MAX = 200;

export const rolloutBodySchema = z.strictObject({
  releaseId: idSchema,
  filter: z
    .strictObject({
      networkId: idSchema.nullable().default(null),
      worldType: z.enum(WORLD_TYPES).nullable().default(null),
      firmware: z
        .string()
        .max(FIRMWARE_CHARACTERS_MAX)
        .nullable()
        .default(null)
        .describe('What they say that they run, word for word.'),
      deviceIds: z.array(idSchema).min(1).max(NAMED_DEVICES_MAX).nullable().default(null),
      groupId: idSchema.nullable().default(null).describe('Of the network, which is named, too.'),
    })
    .describe('Which devices; null: any. They are found now: who comes later is not one of them.'),
  allowOlder: z.boolean().default(false).describe('Devices may go back to an older version.'),
  atOnceMax: z.int().min(1).max(AT_ONCE_MAX).default(50).describe('Devices at work at the same time.'),
  perMinuteMax: z
    .int()
    .min(1)
    .max(PER_MINUTE_MAX)
    .default(100)
    .describe('Devices that are started in a minute.'),
  failedPercentMax: z
    .int()
    .min(0)
    .max(100)
    .default(10)
    .describe('More than so many percent of those that are over failed, and it is aborted.'),
  failedAfter: z.int().min(1).max(AT_ONCE_MAX).default(5).describe('Not before so many are over.'),
  deviceTimeoutSeconds: z
    .int()
    .min(10)
    .max(DEVICE_TIMEOUT_SECONDS_MAX)
    .default(3_600)
    .describe('A device that says nothing for so long has failed.'),
});

/** The order of a rollout as it came. */
export const toOrder = ({ filter, ...order }: z.output<typeof rolloutBodySchema>) => ({
  ...order,
  filter: {
    ...filter,
    networkId: filter.networkId === null ? null : asId<NetworkId>(filter.networkId),
    deviceIds: filter.deviceIds?.map((id) => asId<DeviceId>(id)) ?? null,
  },
});

export const rolloutSchema = z
  .object({
    id: z.uuid(),
    releaseId: z.uuid(),
    state: z.enum(ROLLOUT_STATES),
    filter: z.object({
      networkId: z.uuid().nullable(),
      worldType: z.enum(WORLD_TYPES).nullable(),
      firmware: z.string().nullable(),
      deviceIds: z.array(z.uuid()).nullable(),
      groupId: z.uuid().nullable(),
    }),
    allowOlder: z.boolean(),
    atOnceMax: z.int(),
    perMinuteMax: z.int(),
    failedPercentMax: z.int(),
    failedAfter: z.int(),
    deviceTimeoutSeconds: z.int(),
    createdAt: timeSchema,
    endedAt: timeSchema.nullable(),
    counts: z
      .object(
        Object.fromEntries(DEVICE_STATES.map((state) => [state, z.int()])) as Record<
          (typeof DEVICE_STATES)[number],
          z.ZodInt
        >,
      )
      .describe('How many devices are how far.'),
  })
  .meta({ id: 'Rollout' });

/** A rollout as REST shows it. */
export const rolloutToJson = ({ createdAtMs, endedAtMs, filter, counts, ...rollout }: RolloutProgress) => ({
  ...rollout,
  filter: { ...filter, deviceIds: filter.deviceIds === null ? null : [...filter.deviceIds] },
  createdAt: toIsoTime(createdAtMs),
  endedAt: toIsoTimeOrNull(endedAtMs),
  counts: { ...counts },
});

export const rolloutDeviceSchema = z
  .object({
    deviceId: z.uuid(),
    networkId: z.uuid(),
    state: z.enum(DEVICE_STATES),
    error: z.string().nullable().describe('The code of what it failed with, or was refused for.'),
    byteCount: z.int().describe('Bytes of the release that it has.'),
    changedAt: timeSchema,
  })
  .meta({ id: 'RolloutDevice' });

/** A device of a rollout as REST shows it. */
export const rolloutDeviceToJson = ({ errorCode, changedAtMs, ...device }: RolloutDevice) => ({
  ...device,
  error: errorCode,
  changedAt: toIsoTime(changedAtMs),
});
