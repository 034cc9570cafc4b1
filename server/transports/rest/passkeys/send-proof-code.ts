import type { AccountService } from '../../../domains/accounts/index.ts';
import { addressGroup } from '../../../kernel/network-address.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { toIsoTime } from '../schemas.ts';
import { sentCodeSchema } from '../users/schemas.ts';

/** Sends a code that proves that it is the account who asks. */
export const sendProofCode = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.proof.sendCode',
    method: 'POST',
    path: '/api/v1/users/me/proof/code',
    access: 'account.prove',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Sends a code to your address, with which you prove that it is you, where you have no passkey.',
    response: sentCodeSchema,
    status: 202,
    errors: ['mail_not_set_up', 'step_up_required', 'conflict'],
    handle: async ({ actor, request }) => {
      const client = addressGroup(request.remoteAddress);
      const { codeId, expiresAtMs } = await accounts.sendProofCode(actor, client);
      return { codeId, expiresAt: toIsoTime(expiresAtMs) };
    },
  });
