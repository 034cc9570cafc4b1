import { z } from 'zod';
import { DEVICE_STATES, ROLLOUT_STATES, type RolloutService } from '../../../domains/rollouts/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema } from '../devices/schemas.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

/** A rollout of a device as REST shows it. */
export const deviceRolloutSchema = z
  .object({
    rolloutId: z.uuid(),
    releaseId: z.uuid(),
    networkId: z.uuid(),
    rolloutState: z.enum(ROLLOUT_STATES),
    state: z.enum(DEVICE_STATES).describe('How far the device is.'),
    error: z.string().nullable().describe('The code of what it failed with, or was refused for.'),
    byteCount: z.int().describe('Bytes of the release that it has.'),
    createdAt: timeSchema.describe('When the rollout was begun.'),
    changedAt: timeSchema,
  })
  .meta({ id: 'DeviceRollout' });

/** The rollouts that a device is in. */
export const listRolloutsOfDevice = ({ rollouts }: { rollouts: RolloutService }) =>
  defineRoute({
    operation: 'devices.rollouts.list',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/rollouts',
    access: 'releases.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The rollouts that a device was found for, and how far it is in each; the last first.',
    params: deviceParamsSchema,
    response: z.object({ items: z.array(deviceRolloutSchema) }),
    status: 200,
    errors: ['device_not_found'],
    async handle({ actor, params }) {
      const items = await rollouts.listOfDevice(actor, asId<DeviceId>(params.deviceId));
      return {
        items: items.map(({ deviceId: _, errorCode, createdAtMs, changedAtMs, ...rollout }) => ({
          ...rollout,
          error: errorCode,
          createdAt: toIsoTime(createdAtMs),
          changedAt: toIsoTime(changedAtMs),
        })),
      };
    },
  });
