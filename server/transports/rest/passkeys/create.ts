import { z } from 'zod';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, nameSchema } from '../schemas.ts';
import { createdAnswerSchema, passkeySchema, passkeyToJson } from './schemas.ts';
import { type PasskeyServices, pageOf } from './services.ts';

/** Keeps a passkey that a browser made. */
export const createPasskey = (services: PasskeyServices) =>
  defineRoute({
    operation: 'users.passkeys.create',
    method: 'POST',
    path: '/api/v1/users/me/passkeys',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Keeps the passkey that your browser made: it signs you in from now on. 20 at most.',
    body: z.strictObject({ challengeId: idSchema, name: nameSchema, answer: createdAnswerSchema }),
    response: passkeySchema,
    status: 201,
    errors: ['passkey_refused', 'passkeys_unavailable', 'limit_reached'],
    handle: async ({ actor, body, request }) =>
      passkeyToJson(await services.accounts.addPasskey(actor, body, pageOf(request, services))),
  });
