import { z } from 'zod';
import { AGGREGATES, type ReadingService } from '../../../domains/readings/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { readingSchema, readingToJson } from '../readings/schemas.ts';
import { timeInput, timeSchema, toIsoTime } from '../schemas.ts';
import { deviceParamsSchema } from './schemas.ts';

/** Points of one answer. */
const POINTS_MAX = 10_000;
/** Seconds of a step: a year. */
const STEP_SECONDS_MAX = 31_536_000;
/** What only the history of one reading has. */
const HISTORY = ['from', 'to', 'step', 'aggregate', 'limit'] as const;

const querySchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('The history of this reading; without it the last value of each.'),
    from: timeInput.optional().describe('A day before `to` when not said.'),
    to: timeInput.optional().describe('Not included; now when not said.'),
    step: z.coerce
      .number()
      .int()
      .min(1)
      .max(STEP_SECONDS_MAX)
      .optional()
      .describe('Seconds of which the values become one, from `from` on.'),
    aggregate: z
      .enum(AGGREGATES)
      .optional()
      .describe('Of a step; all but `last` are of numbers alone. `mean` when not said.'),
    limit: z.coerce.number().int().min(1).max(POINTS_MAX).optional().describe('1,000 when not said.'),
  })
  .superRefine((query, context) => {
    const alone = query.name === undefined ? HISTORY.find((key) => query[key] !== undefined) : undefined;
    if (alone !== undefined) {
      context.addIssue({ code: 'custom', path: [alone], message: 'Only with a name' });
    }
    if (query.aggregate !== undefined && query.step === undefined) {
      context.addIssue({ code: 'custom', path: ['aggregate'], message: 'Only with a step' });
    }
    if (query.from !== undefined && query.to !== undefined && query.from >= query.to) {
      context.addIssue({ code: 'custom', path: ['from'], message: 'Not before to' });
    }
  });

/** What a device measured: the last value of each reading, or the history of one, as JSON or as a table. */
export const listReadings = ({ readings }: { readings: ReadingService }) =>
  defineRoute({
    operation: 'devices.readings.list',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/readings',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'The readings of a device: the last value of each, or the history of one. `Accept: text/csv` gives a table.',
    params: deviceParamsSchema,
    query: querySchema,
    response: z.object({
      items: z.array(readingSchema),
      next: timeSchema.nullable().describe('Pass it as `from` for what follows; null: nothing does.'),
    }),
    status: 200,
    errors: ['device_not_found'],
    toTable: ({ items }) => [
      ['name', 'unit', 'at', 'value'],
      ...items.map(({ name, unit, at, value }) => [name, unit, at, value]),
    ],
    async handle({ actor, params, query }) {
      const deviceId = asId<DeviceId>(params.deviceId);
      const { name, limit = 1_000, step, aggregate = 'mean' } = query;
      if (name === undefined) {
        return { items: (await readings.listLast(actor, deviceId)).map(readingToJson), next: null };
      }
      const points = await readings.listHistory(actor, deviceId, {
        name,
        fromMs: query.from ?? null,
        toMs: query.to ?? null,
        step: step === undefined ? null : { seconds: step, aggregate },
        limit: limit + 1,
      });
      const following = points[limit];
      return {
        items: points.slice(0, limit).map(readingToJson),
        next: following === undefined ? null : toIsoTime(following.atMs),
      };
    },
  });
