import { z } from 'zod';
import type { ShadowService, VersionedState } from '../../../domains/shadow/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/json.ts';
import { idSchema, timeSchema, toIsoTimeOrNull } from '../schemas.ts';

/** A network of the device. */
export const networkChoiceSchema = idSchema
  .optional()
  .describe('Where the device is in several; the first of them when not said.');

/** Members of an object that somebody sends, at most; what they may be, the service says. */
const MEMBERS_MAX = 128;

/** A merge patch: any object of JSON. */
export const patchSchema = z
  .record(z.string().min(1).max(128), z.json())
  .refine((patch) => Object.keys(patch).length <= MEMBERS_MAX, `More than ${MEMBERS_MAX} members`)
  .transform((patch) => patch as JsonObject as Readonly<Record<string, JsonValue>>)
  .describe(
    'A merge patch (RFC 7396): null takes a value away. What is inside an object is named after the way to it, `air.co2`.',
  );

const sideSchema = z.object({
  state: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
  version: z.int().describe('Counts up with each change; 0: nothing was said.'),
  changedAt: timeSchema.nullable(),
});

export const shadowSchema = z
  .object({
    networkId: z.uuid(),
    desired: sideSchema.describe('What is wanted.'),
    reported: sideSchema.describe('What the device says.'),
  })
  .meta({ id: 'DeviceState' });

const sideToJson = ({ state, version, changedAtMs }: VersionedState) => ({
  state: { ...state },
  version,
  changedAt: toIsoTimeOrNull(changedAtMs),
});

/** A shadow as REST shows it. */
export const shadowToJson = ({
  networkId,
  desired,
  reported,
}: Awaited<ReturnType<ShadowService['get']>>) => ({
  networkId,
  desired: sideToJson(desired),
  reported: sideToJson(reported),
});
