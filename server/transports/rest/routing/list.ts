import type { RouteService } from '../../../domains/routes/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { idSchema } from '../schemas.ts';
import { routeSchema, routeToJson } from './schemas.ts';

const cursor = timeCursor<DeviceId>();
const query = pageQuery(cursor).extend({
  networkId: idSchema.optional(),
  deviceId: idSchema.optional().describe('The way to this device.'),
  from: idSchema.optional().describe('Seen from this device: to others in its networks.'),
});

/** The ways to devices. */
export const listRoutes = ({ routing }: { routing: RouteService }) =>
  defineRoute({
    operation: 'routes.list',
    method: 'GET',
    path: '/api/v1/routes',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'Which devices can be reached, over which path, since when, and why others can not. A page has the routes to `limit` devices.',
    query,
    response: pageSchema(routeSchema),
    status: 200,
    errors: ['network_not_found', 'device_not_found'],
    handle: async ({ actor, query }) => {
      const filter = {
        networkId: query.networkId === undefined ? null : asId<NetworkId>(query.networkId),
        deviceId: query.deviceId === undefined ? null : asId<DeviceId>(query.deviceId),
        fromId: query.from === undefined ? null : asId<DeviceId>(query.from),
      };
      const page = await routing.list(actor, filter, query.after ?? null, query.limit);
      return { items: page.items.map(routeToJson), next: cursor.next(page.next) };
    },
  });
