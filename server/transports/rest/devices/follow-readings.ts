import { z } from 'zod';
import type { ReadingPoint, ReadingService } from '../../../domains/readings/index.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { eventStream } from '../event-stream.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { readingToJson } from '../readings/schemas.ts';
import { deviceParamsSchema } from './schemas.ts';

const NO_QUERY = z.strictObject({});

/** What a device measures, as it measures it, as server-sent events. */
export const followReadings = ({ readings, clock }: { readings: ReadingService; clock: Clock }) =>
  defineRawRoute({
    operation: 'devices.readings.follow',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/readings/live',
    access: 'devices.read',
    cost: COSTS.connection,
    audit: 'none',
    summary:
      'The last value of each reading of a device, then each reading as it is kept, as server-sent events. Who reads too slowly is cut off.',
    response: 'text/event-stream',
    status: 200,
    errors: ['invalid_input', 'device_not_found', 'limit_reached'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { deviceId } = checkInput(deviceParamsSchema, request.params, 'params');
      checkInput(NO_QUERY, readQuery(request.query), 'query');
      const followed = await readings.follow(actor, asId<DeviceId>(deviceId), request.signal);
      return eventStream(followed, { greeting: 'readings follow', toEvent: eventOf, clock });
    },
  });

const eventOf = (reading: ReadingPoint): string =>
  `event: reading\ndata: ${JSON.stringify(readingToJson(reading))}\n\n`;
