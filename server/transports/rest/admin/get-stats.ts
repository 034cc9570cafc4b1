import { z } from 'zod';
import type { AdministrationService } from '../../../domains/administration/index.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { moneySchema } from '../ledger/schemas.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

const count = z.int().min(0);

/** For operators: figures of the whole server. */
export const getStats = ({ administration }: { administration: AdministrationService }) =>
  defineRoute({
    operation: 'admin.stats.get',
    method: 'GET',
    path: '/api/v1/admin/stats',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Figures of the whole server: what there is, what happened since its start, and how it is.',
    response: z.object({
      users: count,
      tenants: count,
      devices: z.object({ registered: count, connected: count }),
      connections: z.object({ http: count, webSocket: count, mqtt: count }),
      messages: z.object({ transient: count, stored: count }).describe('Frames forwarded since the start.'),
      requests: z
        .object({ served: count, refused: count })
        .describe('Since the start; frames that were refused among them.'),
      money: z
        .object({
          available: moneySchema,
          held: moneySchema,
          earnings: moneySchema,
          receivable: moneySchema,
          fee: moneySchema,
        })
        .describe('What all tenants have, together.'),
      database: z.object({
        kind: z.enum(['embedded', 'server']),
        answerMs: z.number().nullable().describe('Null: it did not answer.'),
        freeDiskBytes: z.number().nullable(),
      }),
      process: z.object({
        startedAt: timeSchema,
        residentBytes: z.number(),
        heapBytes: z.number(),
        cpuSeconds: z.number(),
        loopLagMs: z.number().describe('The 99th percentile of how late the event loop was.'),
      }),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => {
      const { money, process, ...figures } = await administration.readFigures(actor);
      const { startedAtMs, ...health } = process;
      return {
        ...figures,
        money: {
          available: moneyToJson(money.available),
          held: moneyToJson(money.held),
          earnings: moneyToJson(money.earnings),
          receivable: moneyToJson(money.receivable),
          fee: moneyToJson(money.fee),
        },
        process: { ...health, startedAt: toIsoTime(startedAtMs) },
      };
    },
  });
