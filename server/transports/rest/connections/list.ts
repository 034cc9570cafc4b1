import { z } from 'zod';
import { PAIR_STATES, type PairingService } from '../../../domains/pairings/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { idSchema } from '../schemas.ts';
import { connectionSchema, connectionToJson } from './schemas.ts';

const cursor = timeCursor<string>();
const query = pageQuery(cursor).extend({
  networkId: idSchema.optional(),
  deviceId: idSchema.optional().describe('The device that asks, or that is asked.'),
  status: z.enum(PAIR_STATES).exclude(['expired']).optional().describe('`asked`: what waits for an answer.'),
});

/** Connections between the devices that the caller sees. */
export const listConnections = ({ pairings }: { pairings: PairingService }) =>
  defineRoute({
    operation: 'connections.list',
    method: 'GET',
    path: '/api/v1/connections',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Connections between devices: all that you see, or of one network, device or status.',
    query,
    response: pageSchema(connectionSchema),
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, query }) => {
      const filter = {
        networkId: query.networkId === undefined ? null : asId<NetworkId>(query.networkId),
        deviceId: query.deviceId === undefined ? null : asId<DeviceId>(query.deviceId),
        state: query.status ?? null,
      };
      const page = await pairings.list(actor, filter, query.after ?? null, query.limit);
      return { items: page.items.map(connectionToJson), next: cursor.next(page.next) };
    },
  });
