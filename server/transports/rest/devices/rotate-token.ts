import { z } from 'zod';
import { CREDENTIAL_OVERLAP_SECONDS_MAX, type DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTimeOrNull } from '../schemas.ts';
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
    needsProof: true,
    summary:
      'Gives a device another token, and another signing key if you like. Those it had stop working, and what was opened with them ends: at ' +
      'once, or when the device has used the new token.',
    params: deviceParamsSchema,
    query: z.strictObject({
      overlapSeconds: z.coerce
        .number()
        .int()
        .min(0)
        .max(CREDENTIAL_OVERLAP_SECONDS_MAX)
        .default(0)
        .describe('The old ones work for so long at most, until the device has used the new token.'),
      signingKey: z.enum(['true', 'false']).default('false').describe('`true`: another signing key, too.'),
    }),
    response: z.object({
      token: z.string().describe('Shown this once.'),
      signingKey: z
        .string()
        .nullable()
        .describe(
          '32 bytes in base64url, shown this once; it goes with the new token. Null: it stays as it is.',
        ),
      previousUntil: timeSchema.nullable().describe('When the old ones end at the latest; null: they have.'),
    }),
    status: 201,
    errors: ['device_not_found', 'device_of_other_tenant'],
    handle: async ({ actor, params, query }) => {
      const { token, signingKey, previousUntilMs } = await devices.rotateToken(
        actor,
        asId<DeviceId>(params.deviceId),
        { overlapMs: query.overlapSeconds * 1000, signingKey: query.signingKey === 'true' },
      );
      return {
        token,
        signingKey: signingKey && Buffer.from(signingKey).toString('base64url'),
        previousUntil: toIsoTimeOrNull(previousUntilMs),
      };
    },
  });
