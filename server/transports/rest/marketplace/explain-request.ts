import { z } from 'zod';
import type { ProviderService } from '../../../domains/providers/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { choiceSchema } from './explained-schemas.ts';

/** Why a request went where it went. */
export const explainRequest = ({ providers }: { providers: ProviderService }) =>
  defineRoute({
    operation: 'marketplace.requests.why',
    method: 'GET',
    path: '/api/v1/marketplace/requests/:requestId/why',
    access: 'money.read',
    cost: COSTS.read,
    audit: 'none',
    summary:
      'Why one of your last requests went to its provider: who could have had it, and their scores by part.',
    params: z.strictObject({ requestId: idSchema }),
    response: z.object({ items: z.array(choiceSchema) }),
    status: 200,
    errors: ['transaction_not_found'],
    handle: async ({ actor, params }) => ({
      items: (await providers.explainRequest(actor, params.requestId)).map((choice) => ({
        ...choice,
        candidates: [...choice.candidates],
      })),
    }),
  });
