import type { ReadingService } from '../../../domains/readings/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { retentionInput, retentionSchema } from './schemas.ts';

/** Chooses for how long the tenant's readings are kept. */
export const setReadingRetention = ({ readings }: { readings: ReadingService }) =>
  defineRoute({
    operation: 'readings.retention.set',
    method: 'PUT',
    path: '/api/v1/readings/retention',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Chooses for how many days your readings are kept; older ones go within seconds.',
    body: retentionInput,
    response: retentionSchema,
    status: 200,
    errors: [],
    async handle({ actor, body }) {
      await readings.setRetentionDays(actor, body.days);
      return { days: body.days };
    },
  });
