import { z } from 'zod';
import { ACTION_STATES, type ActionService } from '../../../domains/actions/index.ts';
import { type ActionId, asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { idSchema } from '../schemas.ts';
import { actionSchema, actionToJson } from './schemas.ts';

const cursor = timeCursor<ActionId>();

/** Actions that the caller sees. */
export const listActions = ({ actions }: { actions: ActionService }) =>
  defineRoute({
    operation: 'actions.list',
    method: 'GET',
    path: '/api/v1/actions',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'What devices were asked to do, the newest first: all that you see, or of one device, network or status.',
    query: pageQuery(cursor).extend({
      deviceId: idSchema.optional(),
      networkId: idSchema.optional(),
      status: z.enum(ACTION_STATES).optional(),
    }),
    response: pageSchema(actionSchema),
    status: 200,
    errors: ['network_not_found'],
    async handle({ actor, query }) {
      const filter = {
        deviceId: query.deviceId === undefined ? null : asId<DeviceId>(query.deviceId),
        networkId: query.networkId === undefined ? null : asId<NetworkId>(query.networkId),
        state: query.status ?? null,
      };
      const page = await actions.list(actor, filter, query.after ?? null, query.limit);
      return { items: page.items.map(actionToJson), next: cursor.next(page.next) };
    },
  });
