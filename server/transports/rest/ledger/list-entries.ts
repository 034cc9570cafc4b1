import { z } from 'zod';
import {
  type LedgerService,
  STATEMENT_ENTRIES_MAX,
  type StatementCursor,
  TENANT_ACCOUNT_KINDS,
  TRANSFER_KINDS,
} from '../../../domains/ledger/index.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { defineCursor, pageQuery, pageSchema } from '../paging.ts';
import { timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';
import { moneySchema } from './schemas.ts';

const positionSchema = z
  .string()
  .regex(/^[0-9]{1,18}$/)
  .transform(BigInt);

/** A position in each of the tenant's accounts. */
const cursor = defineCursor<StatementCursor>(
  z
    .tuple([positionSchema, positionSchema, positionSchema, positionSchema, positionSchema])
    .transform(([available, held, earnings, receivable, allowance]) => ({
      available,
      held,
      earnings,
      receivable,
      allowance,
    })),
  ({ available, held, earnings, receivable, allowance }) =>
    [available, held, earnings, receivable, allowance].map(String),
);

/** The tenant's entries, the newest first, a page at a time. */
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
        sequence: z
          .string()
          .describe('1 for the first entry of the account, one more for each that follows.'),
        account: z.enum(TENANT_ACCOUNT_KINDS),
        transferId: z.uuid(),
        kind: z.enum(TRANSFER_KINDS),
        amount: moneySchema,
        transactionId: z.uuid().nullable(),
        releaseAt: timeSchema.nullable().describe('When earnings become available.'),
        createdAt: timeSchema,
      }),
    ),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const { after, limit } = query;
      const { entries, nextBefore } = await ledger.statement(actor, { before: after ?? null, limit });
      const items = entries.map((entry) => ({
        sequence: entry.position.toString(),
        account: entry.account,
        transferId: entry.transferId,
        kind: entry.kind,
        amount: moneyToJson(entry.amountMicrocents),
        transactionId: entry.transactionId,
        releaseAt: toIsoTimeOrNull(entry.releaseAtMs),
        createdAt: toIsoTime(entry.createdAtMs),
      }));
      return { items, next: cursor.next(nextBefore) };
    },
  });
