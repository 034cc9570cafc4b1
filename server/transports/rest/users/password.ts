import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTimeOrNull } from '../schemas.ts';
import { newPasswordSchema } from './schemas.ts';

const path = '/api/v1/users/me/password';

const passwordSchema = z
  .object({ changedAt: timeSchema.nullable().describe('When it was set; null: you have none.') })
  .meta({ id: 'Password' });

/** Whether the account that asks has a password. */
export const getPassword = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.password.get',
    method: 'GET',
    path,
    access: 'account.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Whether you have a password, and since when.',
    response: passwordSchema,
    status: 200,
    errors: [],
    handle: async ({ actor }) => {
      const { changedAtMs } = await accounts.findPassword(actor);
      return { changedAt: toIsoTimeOrNull(changedAtMs) };
    },
  });

/** Gives the account that asks a password. */
export const setPassword = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.password.set',
    method: 'PUT',
    path,
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Sets your password, in place of the one before. Your mailbox is told.',
    body: z.strictObject({ password: newPasswordSchema }),
    response: z.object({}),
    status: 200,
    errors: ['passwords_off', 'conflict', 'unavailable'],
    handle: async ({ actor, body: { password } }) => {
      await accounts.setPassword(actor, password);
      return {};
    },
  });

/** Removes the password of the account that asks. */
export const removePassword = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.password.remove',
    method: 'DELETE',
    path,
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Removes your password, where you have one.',
    response: z.object({}),
    status: 200,
    errors: ['last_sign_in'],
    handle: async ({ actor }) => {
      await accounts.removePassword(actor);
      return {};
    },
  });
