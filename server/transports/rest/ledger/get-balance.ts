import { z } from 'zod';
import type { LedgerService } from '../../../domains/ledger/index.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { moneySchema } from './schemas.ts';

/** The tenant's money, by what may be done with it. */
export const getBalance = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.balance.get',
    method: 'GET',
    path: '/api/v1/ledger/balance',
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'What you have: available, held for requests that run, earned but not released yet; and what you owe.',
    response: z.object({
      available: moneySchema,
      held: moneySchema,
      earnings: moneySchema,
      owed: moneySchema,
    }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => {
      const balance = await ledger.balance(actor);
      return {
        available: moneyToJson(balance.availableMicrocents),
        held: moneyToJson(balance.heldMicrocents),
        earnings: moneyToJson(balance.earningsMicrocents),
        owed: moneyToJson(balance.owedMicrocents),
      };
    },
  });
