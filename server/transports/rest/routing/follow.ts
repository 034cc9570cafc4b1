import { z } from 'zod';
import type { Route, RouteService } from '../../../domains/routes/index.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { eventStream } from '../event-stream.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { idSchema } from '../schemas.ts';
import { routeToJson } from './schemas.ts';

/** Routes of a network as they change, as server-sent events. */
export const followRoutes = ({ routing, clock }: { routing: RouteService; clock: Clock }) =>
  defineRawRoute({
    operation: 'routes.follow',
    method: 'GET',
    path: '/api/v1/routes/live',
    access: 'devices.read',
    cost: COSTS.connection,
    audit: 'none',
    summary:
      'Routes to the devices of a network as they change, as server-sent events: `?networkId=`. Who reads too slowly is cut off.',
    response: 'text/event-stream',
    status: 200,
    errors: ['invalid_input', 'network_not_found', 'limit_reached'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { networkId } = checkInput(
        z.strictObject({ networkId: idSchema }),
        readQuery(request.query),
        'query',
      );
      const followed = await routing.follow(actor, asId<NetworkId>(networkId), request.signal);
      return eventStream(followed, { greeting: 'changes follow', toEvent: eventOf, clock });
    },
  });

const eventOf = (route: Route): string => `event: route\ndata: ${JSON.stringify(routeToJson(route))}\n\n`;
