import { z } from 'zod';
import { type LedgerService, STATEMENT_ENTRIES_MAX } from '../../../domains/ledger/index.ts';
import { centsToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { centsSchema, limitSchema, toIsoTime } from '../schemas.ts';

const sequenceSchema = z.string().regex(/^[0-9]{1,18}$/);

export const listEntries = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.entries.list',
    method: 'GET',
    path: '/api/v1/ledger/entries',
    access: 'money.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Your side of every transfer, newest first.',
    query: z.strictObject({
      after: sequenceSchema.optional().describe('`next` of the page before.'),
      limit: limitSchema(STATEMENT_ENTRIES_MAX),
    }),
    response: z.object({
      items: z.array(
        z.object({
          sequence: sequenceSchema,
          transferId: z.uuid(),
          kind: z.enum(['top_up', 'hold', 'post', 'void', 'expire']),
          account: z.enum(['available', 'held']),
          amountCents: centsSchema,
          transactionId: z.uuid().nullable(),
          createdAt: z.iso.datetime(),
        }),
      ),
      next: sequenceSchema.nullable().describe('Pass it as `after` for the next page; null: there is none.'),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const before = query.after === undefined ? null : BigInt(query.after);
      const { entries, nextBefore } = await ledger.statement(actor, { before, limit: query.limit });
      const items = entries.map(({ sequence, amountCents, createdAtMs, ...entry }) => ({
        ...entry,
        sequence: sequence.toString(),
        amountCents: centsToJson(amountCents),
        createdAt: toIsoTime(createdAtMs),
      }));
      return { items, next: nextBefore?.toString() ?? null };
    },
  });
