import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';

/** Ten new recovery codes for the account that asks; the only answer that has them. */
export const makeRecoveryCodes = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.recoveryCodes.create',
    method: 'POST',
    path: '/api/v1/users/me/recovery-codes',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Ten new codes to keep on paper, in place of those that you had: each signs you in once.',
    response: z.object({ codes: z.array(z.string()).describe('Shown this once.') }),
    status: 201,
    errors: [],
    handle: async ({ actor }) => ({ codes: [...(await accounts.makeRecoveryCodes(actor))] }),
  });
