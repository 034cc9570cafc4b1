import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { questionSchema, questionToJson } from './schemas.ts';
import { type PasskeyServices, pageOf } from './services.ts';

/** What a browser makes a passkey from. */
export const beginPasskey = (services: PasskeyServices) =>
  defineRoute({
    operation: 'users.passkeys.begin',
    method: 'POST',
    path: '/api/v1/users/me/passkeys/options',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'What your browser makes a passkey of yours from, within five minutes.',
    response: questionSchema,
    status: 201,
    errors: ['passkeys_unavailable', 'user_not_found'],
    handle: async ({ actor, request }) =>
      questionToJson(await services.accounts.beginPasskey(actor, pageOf(request, services))),
  });
