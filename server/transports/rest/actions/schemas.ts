import { z } from 'zod';
import {
  ACTION_STATES,
  type Action,
  type ActionEvent,
  NAME_CHARACTERS_MAX,
  PRIORITY,
  PRIORITY_MAX,
  TIMEOUT_MS,
  TIMEOUT_MS_MAX,
} from '../../../domains/actions/index.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

export const actionParamsSchema = z.strictObject({ actionId: idSchema });

const argumentsSchema = z.record(
  z.string().min(1).max(128),
  z.union([
    z.number(),
    z.boolean(),
    z.string().max(4_096),
    z.strictObject({ base64: z.base64().max(8_192) }),
  ]),
);

/** What is asked for, whoever is asked. */
export const askedSchema = z.strictObject({
  id: idSchema.optional().describe('Yours, so that you can ask again without having it done twice.'),
  name: z.string().min(1).max(NAME_CHARACTERS_MAX),
  arguments: argumentsSchema.default({}),
  priority: z.int().min(0).max(PRIORITY_MAX).default(PRIORITY).describe('The highest is given first.'),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(TIMEOUT_MS_MAX / 1000)
    .default(TIMEOUT_MS / 1000)
    .describe('By then it has ended.'),
});

const valuesSchema = z.record(
  z.string(),
  z.union([z.number(), z.boolean(), z.string(), z.object({ base64: z.string() })]).nullable(),
);

export const actionSchema = z
  .object({
    id: z.uuid(),
    deviceId: z.uuid(),
    networkId: z.uuid(),
    askedBy: z.object({ kind: z.enum(['account', 'device']), id: z.uuid() }),
    name: z.string(),
    arguments: valuesSchema,
    priority: z.int(),
    timeoutSeconds: z.number(),
    status: z
      .enum(ACTION_STATES)
      .describe(
        'It waits for its device; was given to it; was begun. Ends: done; begun without success; not begun; the time was over; cancelled; the device can not know whether it was done.',
      ),
    progress: z
      .object({ fraction: z.number().nullable().describe('0 to 1; null: not known.'), text: z.string() })
      .nullable(),
    values: valuesSchema.describe('What the device answered at the end.'),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    resultBytes: z.int().describe('Bytes of the parts of the result, which are among the events.'),
    lastEvent: z.int().describe('The number of its last event.'),
    created: timeSchema,
    deadline: timeSchema.describe('By then it has ended.'),
    sent: timeSchema.nullable(),
    begun: timeSchema.nullable(),
    ended: timeSchema.nullable(),
  })
  .meta({ id: 'Action' });

type Values = z.output<typeof valuesSchema>;
const valuesToJson = (values: JsonObject): Values => values as Values;

/** An action as REST shows it. */
export const actionToJson = (action: Action): z.output<typeof actionSchema> => ({
  id: action.id,
  deviceId: action.deviceId,
  networkId: action.networkId,
  askedBy: { ...action.askedBy },
  name: action.name,
  arguments: valuesToJson(action.arguments),
  priority: action.priority,
  timeoutSeconds: action.timeoutMs / 1000,
  status: action.state,
  progress: action.progress && { ...action.progress },
  values: valuesToJson(action.values),
  error: action.error && { ...action.error },
  resultBytes: action.resultBytes,
  lastEvent: action.lastEvent,
  created: toIsoTime(action.createdAtMs),
  deadline: toIsoTime(action.deadlineAtMs),
  sent: toIsoTimeOrNull(action.sentAtMs),
  begun: toIsoTimeOrNull(action.begunAtMs),
  ended: toIsoTimeOrNull(action.endedAtMs),
});

/** An event as server-sent events have it: its number is what `Last-Event-ID` says. */
export function eventToText(event: ActionEvent): string {
  const data = JSON.stringify({ at: toIsoTime(event.atMs), ...dataOf(event) });
  return `id: ${event.number}\nevent: ${event.kind}\ndata: ${data}\n\n`;
}

function dataOf(event: ActionEvent): JsonObject {
  switch (event.kind) {
    case 'begun':
      return {};
    case 'progress':
      return { fraction: event.fraction, text: event.text };
    case 'chunk':
      return { base64: Buffer.from(event.content).toString('base64') };
    case 'end':
      return { status: event.state, error: event.error && { ...event.error }, values: event.values };
  }
}
