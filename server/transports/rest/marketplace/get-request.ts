import { z } from 'zod';
import { notFound } from '../../../kernel/errors.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { ChatDependencies } from '../../chat/completion.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { nameOfRequest } from './create-request.ts';
import { marketRequestSchema } from './request-schemas.ts';

type MarketRequest = z.output<typeof marketRequestSchema>;

/** A request to the market as it stands: one whose server stopped while it was at work has failed. */
export const getMarketRequest = ({ lasting, answers }: Pick<ChatDependencies, 'lasting' | 'answers'>) =>
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
    handle: async ({ actor, params }): Promise<MarketRequest> => {
      const running = lasting.find(actor, nameOfRequest(params.requestId));
      if (running !== null) return running.state as MarketRequest;
      const kept = await answers.find(actor, 'request', params.requestId);
      if (kept === null) throw notFound('response');
      const state = kept.content as unknown as MarketRequest;
      return kept.hasEnded ? state : { ...state, status: 'FAILED', failureCode: 'server_stopped' };
    },
  });
