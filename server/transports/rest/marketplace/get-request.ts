import { z } from 'zod';
import { COSTS } from '../../../kernel/operation.ts';
import type { ChatDependencies } from '../../chat/completion.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { nameOfRequest } from './create-request.ts';
import { marketRequestSchema } from './request-schemas.ts';

/** A request to the market as it stands. */
export const getMarketRequest = ({ lasting }: Pick<ChatDependencies, 'lasting'>) =>
  defineRoute({
    operation: 'marketplace.requests.get',
    method: 'GET',
    path: '/api/v1/marketplace/requests/:requestId',
    access: 'market.request',
    cost: COSTS.read,
    audit: 'none',
    summary: 'A request that you made: status, answer, cost, and the providers that were asked.',
    params: z.strictObject({ requestId: idSchema }),
    response: marketRequestSchema,
    status: 200,
    errors: ['response_not_found'],
    handle: async ({ actor, params }) => {
      const { state } = await lasting.get(actor, nameOfRequest(params.requestId));
      return state as z.output<typeof marketRequestSchema>;
    },
  });
