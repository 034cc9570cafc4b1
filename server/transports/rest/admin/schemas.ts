import { z } from 'zod';
import { ABUSE_KINDS, type AbuseMeasure, MEASURES } from '../../../domains/abuse/index.ts';
import {
  LOG_LEVELS,
  type LogEntry,
  type LogFilter,
  type Suspension,
} from '../../../domains/administration/index.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

/** Which lines of the log. */
export const logFilterSchema = z.strictObject({
  level: z.enum(LOG_LEVELS).default('info').describe('The least level.'),
  operation: z
    .string()
    .regex(/^[a-zA-Z.]{1,100}$/)
    .optional()
    .describe('Lines of this operation alone: `devices.create`.'),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional().describe('Lines before this time.'),
});

export const logEntrySchema = z
  .object({
    sequence: z.int().describe('Counts up from the start of the server.'),
    time: timeSchema,
    level: z.enum(LOG_LEVELS),
    operation: z.string().nullable(),
    message: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  })
  .meta({ id: 'LogEntry' });

/** The filter as the service takes it. */
export function toLogFilter({ level, operation, since, until }: z.output<typeof logFilterSchema>): LogFilter {
  return {
    level,
    operation: operation ?? null,
    sinceMs: since === undefined ? null : Date.parse(since),
    untilMs: until === undefined ? null : Date.parse(until),
  };
}

/** A line of the log as REST shows it. */
export const logEntryToJson = ({ sequence, atMs, level, operation, message, facts }: LogEntry) => ({
  sequence,
  time: toIsoTime(atMs),
  level,
  operation,
  message,
  facts: { ...facts },
});

export const suspensionParamsSchema = z.strictObject({ tenantId: idSchema });

export const suspensionSchema = z
  .object({
    tenantId: z.uuid(),
    userId: z
      .uuid()
      .nullable()
      .describe('The operator who did it; null: somebody at the machine, or nobody who is still there.'),
    reason: z.string(),
    suspendedAt: timeSchema,
  })
  .meta({ id: 'Suspension' });

/** A suspension as REST shows it. */
export const suspensionToJson = ({ tenantId, accountId, reason, suspendedAtMs }: Suspension) => ({
  tenantId,
  userId: accountId,
  reason,
  suspendedAt: toIsoTime(suspendedAtMs),
});

export const abuseMeasureSchema = z
  .object({
    id: z.uuid(),
    subject: z.object({
      kind: z.enum(['account', 'api_key', 'device', 'tenant', 'address']),
      id: z.string().describe('An id; an address, IPv6 by its first 64 bits.'),
    }),
    measure: z
      .enum(MEASURES)
      .describe('A few calls in a minute; none, and what is open ends; none until the day is over.'),
    kind: z.enum(ABUSE_KINDS).describe('Why.'),
    count: z.int().describe('How much was counted when it began.'),
    beganAt: timeSchema,
    endsAt: timeSchema,
  })
  .meta({ id: 'AbuseMeasure' });

/** A measure as REST shows it. */
export const abuseMeasureToJson = ({ subject, count, beganAtMs, endsAtMs, ...measure }: AbuseMeasure) => ({
  ...measure,
  subject: { ...subject },
  count: Math.floor(count),
  beganAt: toIsoTime(beganAtMs),
  endsAt: toIsoTime(endsAtMs),
});
