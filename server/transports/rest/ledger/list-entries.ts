import { z } from 'zod';
import { type LedgerService, STATEMENT_ENTRIES_MAX } from '../../../domains/ledger/index.ts';
import { centsToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { defineCursor, pageQuery, pageSchema } from '../paging.ts';
import { centsSchema, timeSchema, toIsoTime } from '../schemas.ts';

const sequenceSchema = z.string().regex(/^[0-9]{1,18}$/);

const cursor = defineCursor(
  z.tuple([sequenceSchema]).transform(([sequence]) => BigInt(sequence)),
  (sequence) => [sequence.toString()],
);

export const listEntries = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.entries.list',
    method: 'GET',
    path: '/api/v1/ledger/entries',
    access: 'money.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Your side of every transfer, newest first.',
    query: pageQuery(cursor, STATEMENT_ENTRIES_MAX),
    response: pageSchema(
      z.object({
        sequence: sequenceSchema,
        transferId: z.uuid(),
        kind: z.enum(['top_up', 'hold', 'post', 'void', 'expire']),
        account: z.enum(['available', 'held']),
        amountCents: centsSchema,
        transactionId: z.uuid().nullable(),
        createdAt: timeSchema,
      }),
    ),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const { after, limit } = query;
      const { entries, nextBefore } = await ledger.statement(actor, { before: after ?? null, limit });
      const items = entries.map(({ sequence, amountCents, createdAtMs, ...entry }) => ({
        ...entry,
        sequence: sequence.toString(),
        amountCents: centsToJson(amountCents),
        createdAt: toIsoTime(createdAtMs),
      }));
      return { items, next: cursor.next(nextBefore) };
    },
  });
