import { z } from 'zod';
import type { RolloutProgress, RolloutService } from '../../../domains/rollouts/index.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { eventStream } from '../event-stream.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { rolloutParamsSchema, rolloutToJson } from './schemas.ts';

/** How far a rollout is, as it goes on, as server-sent events. */
export const followRollout = ({ rollouts, clock }: { rollouts: RolloutService; clock: Clock }) =>
  defineRawRoute({
    operation: 'rollouts.follow',
    method: 'GET',
    path: '/api/v1/rollouts/:rolloutId/live',
    access: 'releases.read',
    cost: COSTS.connection,
    audit: 'none',
    summary:
      'How far a rollout is, now and whenever that changes, as server-sent events. Who reads too slowly is cut off.',
    response: 'text/event-stream',
    status: 200,
    errors: ['invalid_input', 'rollout_not_found', 'limit_reached'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { rolloutId } = checkInput(rolloutParamsSchema, request.params, 'params');
      checkInput(z.strictObject({}), readQuery(request.query), 'query');
      const followed = await rollouts.follow(actor, rolloutId, request.signal);
      return eventStream(followed, { greeting: 'progress follows', toEvent: eventOf, clock });
    },
  });

const eventOf = (progress: RolloutProgress): string =>
  `event: rollout\ndata: ${JSON.stringify(rolloutToJson(progress))}\n\n`;
