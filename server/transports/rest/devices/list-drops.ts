import { z } from 'zod';
import type { DropService } from '../../../domains/drops/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';
import { deviceParamsSchema } from './schemas.ts';

const dropSchema = z
  .object({
    at: timeSchema,
    since: timeSchema.describe('When the first of them was dropped.'),
    networkId: idSchema,
    end: z.enum(['sender', 'receiver']).describe('Whether the device sent them, or they were for it.'),
    cause: z.enum(['queue_full', 'session_expired', 'retained_full', 'frame_expired']),
    count: z.int(),
    topics: z.array(z.string()).describe('Some of the topics, of publications.'),
    frameIds: z.array(z.string()).describe('Some of the ids, of frames.'),
  })
  .meta({ id: 'Drop' });

/** What was kept for a device, or sent by it, and never arrived. */
export const listDrops = ({ drops }: { drops: DropService }) =>
  defineRoute({
    operation: 'devices.drops.list',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/drops',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'What one of your devices sent, or was to get, that was dropped before it arrived; the last first.',
    params: deviceParamsSchema,
    response: z.object({ items: z.array(dropSchema) }),
    status: 200,
    errors: ['device_not_found'],
    async handle({ actor, params }) {
      const items = await drops.list(actor, asId<DeviceId>(params.deviceId));
      return {
        items: items.map(({ atMs, sinceMs, networkId, end, cause, count, topics, frameIds }) => ({
          at: toIsoTime(atMs),
          since: toIsoTime(sinceMs),
          networkId,
          end,
          cause,
          count,
          topics: [...topics],
          frameIds: [...frameIds],
        })),
      };
    },
  });
