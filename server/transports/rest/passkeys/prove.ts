import { z } from 'zod';
import type { Proof } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';
import { mailCodeSchema, recoveryCodeSchema } from '../users/schemas.ts';
import { answeredSchema } from './schemas.ts';
import { type PasskeyServices, pageOf } from './services.ts';

const proofSchema = z.union([
  z.strictObject({ passkey: answeredSchema }),
  z.strictObject({ code: z.strictObject({ codeId: idSchema, code: mailCodeSchema }) }),
  z.strictObject({ recoveryCode: recoveryCodeSchema }),
]);

/** A proof as the service takes it. */
function toProof(body: z.output<typeof proofSchema>): Proof {
  if ('passkey' in body) return { way: 'passkey', passkey: body.passkey };
  if ('code' in body) return { way: 'code', ...body.code };
  return { way: 'recovery_code', code: body.recoveryCode };
}

/** Proves that it is still the account who has its token. */
export const prove = (services: PasskeyServices) =>
  defineRoute({
    operation: 'users.proof.create',
    method: 'POST',
    path: '/api/v1/users/me/proof',
    access: 'account.prove',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Proves that it is you: with a passkey, or where you have none with a code from `/api/v1/users/me/proof/code` or a recovery code.',
    body: proofSchema,
    response: z.object({
      provenUntil: timeSchema.describe('Until then your token may do what takes a proof.'),
    }),
    status: 201,
    errors: ['passkey_refused', 'passkeys_unavailable', 'sign_in_code_wrong', 'step_up_required', 'conflict'],
    handle: async ({ actor, body, request }) => {
      const page = pageOf(request, services);
      const { provenUntilMs } = await services.accounts.prove(actor, toProof(body), page);
      return { provenUntil: toIsoTime(provenUntilMs) };
    },
  });
