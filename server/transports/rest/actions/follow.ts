import { z } from 'zod';
import type { ActionService } from '../../../domains/actions/index.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { type ActionId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { eventStream } from '../event-stream.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { actionParamsSchema, eventToText } from './schemas.ts';

const numberSchema = z.coerce.number().int().min(0).max(1_000_000);
const querySchema = z.strictObject({ after: numberSchema.optional() });

/** What happens to an action, as it happens, as server-sent events. */
export const followAction = ({ actions, clock }: { actions: ActionService; clock: Clock }) =>
  defineRawRoute({
    operation: 'actions.follow',
    method: 'GET',
    path: '/api/v1/actions/:actionId/events',
    access: 'devices.read',
    cost: COSTS.connection,
    audit: 'none',
    summary:
      'What happens to an action, up to its end, as server-sent events: begun, progress, chunk, end. Behind `Last-Event-ID`, or `after`.',
    response: 'text/event-stream',
    status: 200,
    errors: ['invalid_input', 'action_not_found', 'limit_reached'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { actionId } = checkInput(actionParamsSchema, request.params, 'params');
      const { after = 0 } = checkInput(querySchema, readQuery(request.query), 'query');
      const last = request.header('last-event-id');
      const behind = last === undefined ? after : checkInput(numberSchema, last, 'query');
      const events = await actions.follow(actor, asId<ActionId>(actionId), behind, request.signal);
      return eventStream(events, { greeting: 'events follow', toEvent: eventToText, clock });
    },
  });
