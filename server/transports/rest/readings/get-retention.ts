import type { ReadingService } from '../../../domains/readings/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { retentionSchema } from './schemas.ts';

/** For how long the tenant's readings are kept. */
export const getReadingRetention = ({ readings }: { readings: ReadingService }) =>
  defineRoute({
    operation: 'readings.retention.get',
    method: 'GET',
    path: '/api/v1/readings/retention',
    access: 'networks.manage',
    cost: COSTS.read,
    audit: 'none',
    summary: 'For how many days your readings are kept.',
    response: retentionSchema,
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({ days: await readings.getRetentionDays(actor) }),
  });
