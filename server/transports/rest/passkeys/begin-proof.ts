import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { questionSchema, questionToJson } from './schemas.ts';
import { type PasskeyServices, pageOf } from './services.ts';

/** What a browser asks for a passkey of the account with that is signed in, or half so. */
export const beginProof = (services: PasskeyServices) =>
  defineRoute({
    operation: 'users.proof.begin',
    method: 'POST',
    path: '/api/v1/users/me/proof/passkey',
    access: 'account.prove',
    cost: COSTS.write,
    audit: 'change',
    summary: 'What your browser asks you for a passkey of yours with, to complete your sign-in.',
    response: questionSchema,
    status: 201,
    errors: ['passkeys_unavailable', 'passkey_needed'],
    handle: async ({ actor, request }) =>
      questionToJson(await services.accounts.beginProof(actor, pageOf(request, services))),
  });
