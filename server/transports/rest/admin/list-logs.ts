import { z } from 'zod';
import type { AdministrationService } from '../../../domains/administration/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { limitSchema } from '../schemas.ts';
import { logEntrySchema, logEntryToJson, logFilterSchema, toLogFilter } from './schemas.ts';

/** Lines of a page at most. */
const LINES_MAX = 500;
/** The furthest offset: beyond it there is nothing. */
const OFFSET_MAX = 10_000;

/** For operators: the newest lines of the log. */
export const listLogs = ({ administration }: { administration: AdministrationService }) =>
  defineRoute({
    operation: 'admin.logs.list',
    method: 'GET',
    path: '/api/v1/admin/logs',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary:
      'The newest lines of the log, the newest first. Some thousand of each level are kept, until the server stops.',
    query: logFilterSchema.extend({
      limit: limitSchema(LINES_MAX),
      offset: z.coerce.number().int().min(0).max(OFFSET_MAX).default(0),
    }),
    response: z.object({ items: z.array(logEntrySchema), total: z.int() }),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const { limit, offset, ...filter } = query;
      const page = await administration.listLogs(actor, toLogFilter(filter), { limit, offset });
      const { lines, total } = page;
      return { items: lines.map(logEntryToJson), total };
    },
  });
