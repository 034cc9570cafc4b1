import { z } from 'zod';
import type { TopologyChange, TopologyService } from '../../../domains/topology/index.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { eventStream } from '../event-stream.ts';
import { topologyChangeToJson } from '../networks/topology-schemas.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { idSchema } from '../schemas.ts';

/** As many as a screen shows, several times over. */
const DEVICES_MAX = 100;

const querySchema = z.strictObject({
  ids: z
    .string()
    .transform((ids) => ids.split(','))
    .pipe(z.array(idSchema).min(1).max(DEVICES_MAX)),
});

/** Devices as they come, go and change, as server-sent events. */
export const followDevices = ({ topology, clock }: { topology: TopologyService; clock: Clock }) =>
  defineRawRoute({
    operation: 'devices.follow',
    method: 'GET',
    path: '/api/v1/devices/live',
    access: 'devices.read',
    cost: COSTS.connection,
    audit: 'none',
    summary:
      'Devices as they come, go and change, as server-sent events: `?ids=` has up to 100, with commas. Of those that you don’t see nothing comes. Who reads too slowly is cut off.',
    response: 'text/event-stream',
    status: 200,
    errors: ['invalid_input', 'limit_reached'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { ids } = checkInput(querySchema, readQuery(request.query), 'query');
      const devices = [...new Set(ids)].map((id) => asId<DeviceId>(id));
      const followed = await topology.followDevices(actor, devices, request.signal);
      return eventStream(followed, { greeting: 'changes follow', toEvent: eventOf, clock });
    },
  });

const eventOf = (change: TopologyChange): string =>
  `event: device\ndata: ${JSON.stringify(topologyChangeToJson(change))}\n\n`;
