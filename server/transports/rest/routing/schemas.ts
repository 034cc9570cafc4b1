import { z } from 'zod';
import { ROUTE_REASONS, type Route } from '../../../domains/routes/index.ts';
import { timeSchema, toIsoTimeOrNull } from '../schemas.ts';

export const routeSchema = z
  .object({
    networkId: z.uuid(),
    deviceId: z.uuid(),
    path: z
      .enum(['relay', 'direct'])
      .nullable()
      .describe(
        '`direct`: what is not stored goes from `from` to the device without the server. null: there is no way to the device now.',
      ),
    reason: z.enum(ROUTE_REASONS).nullable().describe('Why there is none.'),
    since: timeSchema.nullable().describe('Since when the device is connected; null of guests.'),
    heardAt: timeSchema.nullable(),
    roundTripMs: z
      .number()
      .nullable()
      .describe('From `from`, or without it from the server, to the device and back; null: not measured.'),
  })
  .meta({ id: 'Route' });

/** A route as REST shows it. */
export const routeToJson = ({ sinceMs, heardAtMs, ...route }: Route) => ({
  ...route,
  since: toIsoTimeOrNull(sinceMs),
  heardAt: toIsoTimeOrNull(heardAtMs),
});
