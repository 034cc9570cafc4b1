import { z } from 'zod';
import type { AnalyticsService } from '../../../domains/transactions/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import {
  analyticsFields,
  analyticsQuery,
  analyticsToJson,
  askedAnalytics,
  keysField,
  stepsToTable,
  sumsToJson,
} from './analytics-schemas.ts';

/** What an account asked for over a period, in figures. */
export const getRequesterAnalytics = ({ analytics }: { analytics: AnalyticsService }) =>
  defineRoute({
    operation: 'marketplace.analytics.requester',
    method: 'GET',
    path: '/api/v1/marketplace/analytics/requester',
    access: 'money.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'What you asked for over a period: requests, tokens and costs by step, model, key and provider, and how long they took. `Accept: text/csv` gives the steps as a table.',
    query: analyticsQuery.extend({
      keyId: idSchema.optional().describe('Of this API key alone.'),
      providerId: idSchema.optional().describe('Of those that this provider ended alone.'),
    }),
    response: z.object({ ...analyticsFields, keys: keysField }).meta({ id: 'RequesterAnalytics' }),
    status: 200,
    errors: [],
    toTable: ({ steps }) => stepsToTable(steps),
    async handle({ actor, query }) {
      const answer = await analytics.analyse(actor, askedAnalytics('requester', query));
      const keys = answer.keys.map(({ keyId, ...part }) => ({ keyId, ...sumsToJson(part) }));
      return { ...analyticsToJson(answer), keys };
    },
  });
