import { z } from 'zod';
import type { LedgerService } from '../../../domains/ledger/index.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { moneySchema } from './schemas.ts';

/** For operators: the sum of all entries, which is 0 in a right book. */
export const getTrialBalance = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.trialBalance.get',
    method: 'GET',
    path: '/api/v1/ledger/trial-balance',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Proof that the books are in order: every entry summed, each balance compared.',
    response: z.object({
      entriesSum: moneySchema.describe('0, always.'),
      total: z.object({
        available: moneySchema,
        held: moneySchema,
        earnings: moneySchema,
        receivable: moneySchema.describe('What tenants owe: 0 or negative.'),
        allowance: moneySchema.describe('What is left of allowances.'),
        fee: moneySchema,
        clearing: moneySchema.describe('As negative as all the others together are positive.'),
      }),
      mismatchedAccounts: z
        .int()
        .describe('Accounts whose balance is not the sum of their entries: 0, always.'),
      openHolds: z.int(),
      openHoldsTotal: moneySchema,
    }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => {
      const books = await ledger.trialBalance(actor);
      const { entriesSumMicrocents, totalMicrocents, openHoldsMicrocents, ...counts } = books;
      return {
        ...counts,
        entriesSum: moneyToJson(entriesSumMicrocents),
        openHoldsTotal: moneyToJson(openHoldsMicrocents),
        total: {
          available: moneyToJson(totalMicrocents.available),
          held: moneyToJson(totalMicrocents.held),
          earnings: moneyToJson(totalMicrocents.earnings),
          receivable: moneyToJson(totalMicrocents.receivable),
          allowance: moneyToJson(totalMicrocents.allowance),
          fee: moneyToJson(totalMicrocents.fee),
          clearing: moneyToJson(totalMicrocents.clearing),
        },
      };
    },
  });
