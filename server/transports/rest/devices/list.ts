import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { idSchema } from '../schemas.ts';
import { deviceSchema, deviceToJson } from './schemas.ts';

const cursor = timeCursor<DeviceId>();

/** The devices that the caller may see, a page at a time, also of one network alone. */
export const listDevices = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.list',
    method: 'GET',
    path: '/api/v1/devices',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Your devices, of one network or all.',
    query: pageQuery(cursor).extend({ networkId: idSchema.optional() }),
    response: pageSchema(deviceSchema),
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, query }) => {
      const page = await devices.listDevices(actor, {
        networkId: query.networkId === undefined ? null : asId<NetworkId>(query.networkId),
        after: query.after ?? null,
        limit: query.limit,
      });
      return { items: page.items.map(deviceToJson), next: cursor.next(page.next) };
    },
  });
