import { z } from 'zod';
import { DEVICE_STATES, type RolloutService } from '../../../domains/rollouts/index.ts';
import type { DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';
import { rolloutDeviceSchema, rolloutDeviceToJson, rolloutParamsSchema } from './schemas.ts';

const cursor = idCursor<DeviceId>();

/** The devices of a rollout, and how far each is. */
export const listRolloutDevices = ({ rollouts }: { rollouts: RolloutService }) =>
  defineRoute({
    operation: 'rollouts.devices.list',
    method: 'GET',
    path: '/api/v1/rollouts/:rolloutId/devices',
    access: 'releases.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The devices of a rollout, how far each is, and why it failed.',
    params: rolloutParamsSchema,
    query: pageQuery(cursor).extend({ state: z.enum(DEVICE_STATES).optional() }),
    response: pageSchema(rolloutDeviceSchema),
    status: 200,
    errors: ['rollout_not_found'],
    handle: async ({ actor, params, query }) => {
      const { after = null, state = null, limit } = query;
      const page = await rollouts.listDevices(actor, params.rolloutId, { after, state, limit });
      return { items: page.items.map(rolloutDeviceToJson), next: cursor.next(page.next) };
    },
  });
