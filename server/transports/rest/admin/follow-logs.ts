import type { AdministrationService, FollowedEntry } from '../../../domains/administration/index.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { eventStream } from '../event-stream.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { logEntryToJson, logFilterSchema, toLogFilter } from './schemas.ts';

/** For operators: the log as it is written, as server-sent events. */
export const followLogs = ({
  administration,
  clock,
}: {
  administration: AdministrationService;
  clock: Clock;
}) =>
  defineRawRoute({
    operation: 'admin.logs.follow',
    method: 'GET',
    path: '/api/v1/admin/logs/live',
    access: 'platform.operate',
    cost: COSTS.connection,
    audit: 'access',
    summary:
      'Lines of the log as they are written, as server-sent events; takes the filters of `/admin/logs`, and `Last-Event-ID` to go on.',
    response: 'text/event-stream',
    status: 200,
    errors: ['invalid_input', 'limit_reached'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const filter = toLogFilter(checkInput(logFilterSchema, readQuery(request.query), 'query'));
      const lastId = request.header('last-event-id') ?? '';
      const after = /^\d{1,15}$/.test(lastId) ? Number(lastId) : null;
      const entries = administration.followLogs(actor, filter, after, request.signal);
      return eventStream(entries, { greeting: 'lines follow', toEvent: eventOf, clock });
    },
  });

function eventOf(entry: FollowedEntry): string {
  if ('missed' in entry) return `event: missed\ndata: ${JSON.stringify(entry)}\n\n`;
  return `id: ${entry.sequence}\nevent: line\ndata: ${JSON.stringify(logEntryToJson(entry))}\n\n`;
}
