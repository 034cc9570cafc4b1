import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';
import { deviceNetworkSchema, deviceNetworkToJson, deviceParamsSchema } from './schemas.ts';

const cursor = idCursor<NetworkId>();

/** The networks of a device. */
export const listDeviceNetworks = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.networks.list',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/networks',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The networks of a device, as far as you see them.',
    params: deviceParamsSchema,
    query: pageQuery(cursor),
    response: pageSchema(deviceNetworkSchema),
    status: 200,
    errors: ['device_not_found'],
    handle: async ({ actor, params, query }) => {
      const deviceId = asId<DeviceId>(params.deviceId);
      const page = await devices.listDeviceNetworks(actor, deviceId, {
        after: query.after ?? null,
        limit: query.limit,
      });
      return { items: page.items.map(deviceNetworkToJson), next: cursor.next(page.next) };
    },
  });
