import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { idSchema } from '../schemas.ts';
import {
  assignedIdSchema,
  deviceSchema,
  deviceStatusSchema,
  deviceToJson,
  worldTypeSchema,
} from './schemas.ts';

const cursor = timeCursor<DeviceId>();

const query = pageQuery(cursor)
  .extend({
    network_id: idSchema.optional(),
    networkId: idSchema.optional().describe('As `network_id`.'),
    world_type: worldTypeSchema.optional(),
    status: deviceStatusSchema
      .optional()
      .describe('With a status, a page may have fewer devices than `limit` though there is a next one.'),
    assigned_id: assignedIdSchema.optional(),
  })
  .refine(
    ({ network_id, networkId }) => network_id === undefined || networkId === undefined,
    'network_id and networkId mean the same: give one',
  );

/** The devices that the caller may see, a page at a time, also of one network, kind, status or assigned id alone. */
export const listDevices = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.list',
    method: 'GET',
    path: '/api/v1/devices',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Your devices: all, or of one network, kind, status or id of yours.',
    query,
    response: pageSchema(deviceSchema),
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, query }) => {
      const networkId = query.network_id ?? query.networkId;
      const page = await devices.listDevices(actor, {
        networkId: networkId === undefined ? null : asId<NetworkId>(networkId),
        worldType: query.world_type ?? null,
        status: query.status ?? null,
        assignedId: query.assigned_id ?? null,
        after: query.after ?? null,
        limit: query.limit,
      });
      return { items: page.items.map(deviceToJson), next: cursor.next(page.next) };
    },
  });
