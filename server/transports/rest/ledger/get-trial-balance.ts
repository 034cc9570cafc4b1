import { z } from 'zod';
import type { LedgerService } from '../../../domains/ledger/index.ts';
import { centsToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { centsSchema } from '../schemas.ts';

export const getTrialBalance = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.trialBalance.get',
    method: 'GET',
    path: '/api/v1/ledger/trial-balance',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary: 'Proof that the books are in order: every entry summed, each balance compared.',
    response: z.object({
      entriesSumCents: centsSchema.describe('0, always.'),
      totalCents: z.object({
        available: centsSchema,
        held: centsSchema,
        fees: centsSchema,
        external: centsSchema,
      }),
      mismatchedAccounts: z
        .int()
        .describe('Accounts whose balance is not the sum of their entries: 0, always.'),
      openHolds: z.int(),
      openHoldsCents: centsSchema,
    }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => {
      const { entriesSumCents, totalCents, openHoldsCents, ...counts } = await ledger.trialBalance(actor);
      return {
        ...counts,
        entriesSumCents: centsToJson(entriesSumCents),
        openHoldsCents: centsToJson(openHoldsCents),
        totalCents: {
          available: centsToJson(totalCents.available),
          held: centsToJson(totalCents.held),
          fees: centsToJson(totalCents.fees),
          external: centsToJson(totalCents.external),
        },
      };
    },
  });
