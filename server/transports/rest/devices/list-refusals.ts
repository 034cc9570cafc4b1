import { z } from 'zod';
import type { RefusalService } from '../../../domains/refusals/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';
import { deviceParamsSchema } from './schemas.ts';

const refusalSchema = z
  .object({
    at: timeSchema,
    transport: z.enum(['websocket', 'mqtt']),
    topic: z.string().nullable().describe('Where it published; null for frames.'),
    code: z.string(),
    reason: z.string(),
    count: z.int().describe('How many refusals within a second it stands for: it is the last of them.'),
  })
  .meta({ id: 'Refusal' });

/** What a device was refused lately. */
export const listRefusals = ({ refusals }: { refusals: RefusalService }) =>
  defineRoute({
    operation: 'devices.refusals.list',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/refusals',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'What one of your devices sent lately that was not taken, and why; the last first.',
    params: deviceParamsSchema,
    response: z.object({ items: z.array(refusalSchema) }),
    status: 200,
    errors: ['device_not_found'],
    async handle({ actor, params }) {
      const items = await refusals.list(actor, asId<DeviceId>(params.deviceId));
      return { items: items.map(({ atMs, ...refusal }) => ({ at: toIsoTime(atMs), ...refusal })) };
    },
  });
