import { z } from 'zod';
import { RETENTION_DAYS_MAX, type ReadingPoint } from '../../../domains/readings/index.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

/** What a tenant chooses. */
export const retentionInput = z.strictObject({ days: z.int().min(1).max(RETENTION_DAYS_MAX) });

export const retentionSchema = z.object({ days: z.int() }).meta({ id: 'ReadingRetention' });

/** A value at a time. */
export const readingSchema = z
  .object({
    name: z.string(),
    unit: z.string(),
    at: timeSchema,
    value: z
      .union([z.number(), z.boolean(), z.string()])
      .nullable()
      .describe('null: the device did not know.'),
  })
  .meta({ id: 'Reading' });

/** A reading as REST shows it. */
export const readingToJson = ({ name, unit, atMs, value }: ReadingPoint) => ({
  name,
  unit,
  at: toIsoTime(atMs),
  value,
});
