import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';

const secondFactorSchema = z
  .object({
    isRequired: z.boolean().describe('Codes and providers sign you in only with a passkey besides.'),
  })
  .meta({ id: 'SecondFactor' });

const path = '/api/v1/users/me/second-factor';

/** Whether each sign-in to the account that asks needs a passkey. */
export const getSecondFactor = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.secondFactor.get',
    method: 'GET',
    path,
    access: 'account.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Whether each of your sign-ins needs a passkey.',
    response: secondFactorSchema,
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({ isRequired: await accounts.isSecondFactorRequired(actor) }),
  });

/** From now on each sign-in needs a passkey, or none does. */
export const setSecondFactor = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.secondFactor.set',
    method: 'PUT',
    path,
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary:
      'From now on each of your sign-ins with a code or a provider needs a passkey besides, or none does. Recovery codes need none.',
    body: z.strictObject({ isRequired: z.boolean() }),
    response: secondFactorSchema,
    status: 200,
    errors: ['passkey_needed'],
    handle: async ({ actor, body: { isRequired } }) => {
      await accounts.requireSecondFactor(actor, isRequired);
      return { isRequired };
    },
  });
