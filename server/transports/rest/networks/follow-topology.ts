import { z } from 'zod';
import type { TopologyChange, TopologyService } from '../../../domains/topology/index.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { eventStream } from '../event-stream.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { networkParamsSchema } from './schemas.ts';
import { topologyChangeToJson } from './topology-schemas.ts';

/** Devices of a network as they come, go and change, as server-sent events. */
export const followTopology = ({ topology, clock }: { topology: TopologyService; clock: Clock }) =>
  defineRawRoute({
    operation: 'networks.topology.follow',
    method: 'GET',
    path: '/api/v1/networks/:networkId/topology/live',
    access: 'devices.read',
    cost: COSTS.connection,
    audit: 'none',
    summary:
      'Devices of a network as they come, go and change, as server-sent events. Who reads too slowly is cut off.',
    response: 'text/event-stream',
    status: 200,
    errors: ['invalid_input', 'network_not_found', 'limit_reached'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { networkId } = checkInput(networkParamsSchema, request.params, 'params');
      checkInput(z.strictObject({}), readQuery(request.query), 'query');
      const followed = await topology.follow(actor, asId<NetworkId>(networkId), request.signal);
      return eventStream(followed, { greeting: 'changes follow', toEvent: eventOf, clock });
    },
  });

const eventOf = (change: TopologyChange): string =>
  `event: device\ndata: ${JSON.stringify(topologyChangeToJson(change))}\n\n`;
