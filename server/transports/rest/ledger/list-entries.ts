import { z } from 'zod';
import {
  type LedgerService,
  STATEMENT_ENTRIES_MAX,
  TENANT_ACCOUNT_KINDS,
  TRANSFER_KINDS,
} from '../../../domains/ledger/index.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { defineRoute } from '../define-route.ts';
import { limitSchema, toIsoTime } from '../schemas.ts';
import { cursorOf, cursorToText, moneySchema, statementCursorSchema } from './schemas.ts';

export const listEntries = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.entries.list',
    method: 'GET',
    path: '/api/v1/ledger/entries',
    access: 'user',
    summary: 'Your side of every transfer, newest first.',
    query: z.strictObject({
      after: statementCursorSchema.optional().describe('`next` of the page before.'),
      limit: limitSchema(STATEMENT_ENTRIES_MAX),
    }),
    response: z.object({
      items: z.array(
        z.object({
          sequence: z
            .string()
            .describe('1 for the first entry of the account, one more for each that follows.'),
          account: z.enum(TENANT_ACCOUNT_KINDS),
          transferId: z.uuid(),
          kind: z.enum(TRANSFER_KINDS),
          amount: moneySchema,
          transactionId: z.uuid().nullable(),
          releaseAt: z.iso.datetime().nullable().describe('When earnings become available.'),
          createdAt: z.iso.datetime(),
        }),
      ),
      next: statementCursorSchema
        .nullable()
        .describe('Pass it as `after` for the next page; null: there is none.'),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const before = query.after === undefined ? null : cursorOf(query.after);
      const { entries, nextBefore } = await ledger.statement(actor, { before, limit: query.limit });
      const items = entries.map((entry) => ({
        sequence: entry.position.toString(),
        account: entry.account,
        transferId: entry.transferId,
        kind: entry.kind,
        amount: moneyToJson(entry.amountMicrocents),
        transactionId: entry.transactionId,
        releaseAt: entry.releaseAtMs === null ? null : toIsoTime(entry.releaseAtMs),
        createdAt: toIsoTime(entry.createdAtMs),
      }));
      return { items, next: nextBefore === null ? null : cursorToText(nextBefore) };
    },
  });
