import { z } from 'zod';
import { ROUTE_REASONS, type Route } from '../../../domains/routes/index.ts';
import { timeSchema, toIsoTimeOrNull } from '../schemas.ts';

export const routeSchema = z
  .object({
    networkId: z.uuid(),
    deviceId: z.uuid(),
    path: z.enum(['relay']).nullable().describe('null: there is no way to the device now.'),
    reason: z.enum(ROUTE_REASONS).nullable().describe('Why there is none.'),
    since: timeSchema.nullable().describe('Since when the device is connected; null of guests.'),
    heardAt: timeSchema.nullable(),
  })
  .meta({ id: 'Route' });

/** A route as REST shows it. */
export const routeToJson = ({ sinceMs, heardAtMs, ...route }: Route) => ({
  ...route,
  since: toIsoTimeOrNull(sinceMs),
  heardAt: toIsoTimeOrNull(heardAtMs),
});
