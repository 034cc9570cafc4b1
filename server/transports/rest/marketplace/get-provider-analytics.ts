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
  stepsToTable,
} from './analytics-schemas.ts';

/** What a tenant's providers served over a period, in figures. */
export const getProviderAnalytics = ({ analytics }: { analytics: AnalyticsService }) =>
  defineRoute({
    operation: 'marketplace.analytics.provider',
    method: 'GET',
    path: '/api/v1/marketplace/analytics/provider',
    access: 'money.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'What your providers served over a period: requests, tokens and earnings by step, model and provider, and how long they took. `Accept: text/csv` gives the steps as a table.',
    query: analyticsQuery.extend({ providerId: idSchema.optional().describe('Of this provider alone.') }),
    response: z.object(analyticsFields).meta({ id: 'ProviderAnalytics' }),
    status: 200,
    errors: [],
    toTable: ({ steps }) => stepsToTable(steps),
    handle: async ({ actor, query }) =>
      analyticsToJson(await analytics.analyse(actor, askedAnalytics('provider', query))),
  });
