import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { asId, type PasskeyId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { passkeyParamsSchema, passkeySchema, passkeyToJson } from './schemas.ts';

/** Gives a passkey another name. */
export const renamePasskey = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.passkeys.rename',
    method: 'PATCH',
    path: '/api/v1/users/me/passkeys/:passkeyId',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Gives a passkey of yours another name.',
    params: passkeyParamsSchema,
    body: z.strictObject({ name: nameSchema }),
    response: passkeySchema,
    status: 200,
    errors: ['passkey_not_found'],
    handle: async ({ actor, params, body }) =>
      passkeyToJson(await accounts.renamePasskey(actor, asId<PasskeyId>(params.passkeyId), body.name)),
  });
