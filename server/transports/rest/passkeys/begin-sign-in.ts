import { addressGroup } from '../../../kernel/network-address.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { questionSchema, questionToJson } from './schemas.ts';
import { type PasskeyServices, pageOf } from './services.ts';

/** What a browser asks for any passkey of this server with. */
export const beginPasskeySignIn = (services: PasskeyServices) =>
  defineRoute({
    operation: 'users.passkeys.beginSignIn',
    method: 'POST',
    path: '/api/v1/users/login/passkey',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'What your browser asks you for a passkey of this server with, within five minutes. Nobody says who they are.',
    response: questionSchema,
    status: 201,
    errors: ['passkeys_unavailable'],
    handle: async ({ request }) => {
      const client = addressGroup(request.remoteAddress);
      return questionToJson(await services.accounts.beginPasskeySignIn(pageOf(request, services), client));
    },
  });
