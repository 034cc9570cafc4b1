import { z } from 'zod';
import type { LedgerService } from '../../../domains/ledger/index.ts';
import { centsToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { centsSchema } from '../schemas.ts';

export const getBalance = ({ ledger }: { ledger: LedgerService }) =>
  defineRoute({
    operation: 'ledger.balance.get',
    method: 'GET',
    path: '/api/v1/ledger/balance',
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'What you have: available, and held for requests that run.',
    response: z.object({ availableCents: centsSchema, heldCents: centsSchema }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => {
      const { availableCents, heldCents } = await ledger.balance(actor);
      return { availableCents: centsToJson(availableCents), heldCents: centsToJson(heldCents) };
    },
  });
