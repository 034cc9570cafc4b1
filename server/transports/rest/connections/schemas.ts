import { z } from 'zod';
import {
  OPERATION_CHARACTERS_MAX,
  OPERATIONS_MAX,
  PAIR_STATES,
  type PairingView,
  REASON_CHARACTERS_MAX,
  WITHOUT_CONTROL,
} from '../../../domains/pairings/index.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

export const connectionParamsSchema = z.strictObject({ connectionId: idSchema });

/** Names of commands and events. */
export const operationsSchema = z
  .array(z.string().min(1).max(OPERATION_CHARACTERS_MAX).regex(WITHOUT_CONTROL, 'A character of control'))
  .min(1)
  .max(OPERATIONS_MAX)
  .describe('Names of commands and events, or `area.*`; without them anything.');

/** Why, for people. */
export const reasonSchema = z
  .string()
  .max(REASON_CHARACTERS_MAX)
  .regex(WITHOUT_CONTROL, 'A character of control');

export const connectionSchema = z
  .object({
    id: z.uuid(),
    networkId: z.uuid(),
    sourceId: z.uuid().describe('The device that may send, or asks to.'),
    targetId: z.uuid().describe('The device that it sends to.'),
    status: z
      .enum(PAIR_STATES)
      .describe(
        'The question is open; it may send; it may not; nobody answered in time; withdrawn; the one frame was sent; the time is over.',
      ),
    decidedBy: z
      .enum(['rule', 'device', 'owner'])
      .nullable()
      .describe('The rule of the network, the target, or its owner.'),
    reason: z.string(),
    operations: z.array(z.string()).nullable().describe('What may be sent; null: anything.'),
    until: timeSchema.nullable(),
    once: z.boolean().describe('One frame may be sent.'),
    path: z
      .enum(['relay', 'direct'])
      .describe('The way that frames take; what is stored takes the relay in any case.'),
    roundTripMs: z
      .number()
      .nullable()
      .describe(
        'Over that path to the other and back, over the relay with the delay of both; null: not measured.',
      ),
    asked: timeSchema,
    askedUntil: timeSchema,
    established: timeSchema.nullable().describe('Since when it may send; null: it may not.'),
    lastHeartbeat: timeSchema
      .nullable()
      .describe('When both were heard from last; null: one of them is not connected.'),
  })
  .meta({ id: 'Connection' });

/** A connection as REST shows it. */
export const connectionToJson = (pairing: PairingView) => ({
  id: pairing.id,
  networkId: pairing.networkId,
  sourceId: pairing.sourceId,
  targetId: pairing.targetId,
  status: pairing.state,
  decidedBy: pairing.decidedBy,
  reason: pairing.reason,
  operations: pairing.permission.operations === null ? null : [...pairing.permission.operations],
  until: toIsoTimeOrNull(pairing.permission.untilMs),
  once: pairing.permission.once,
  path: pairing.path,
  roundTripMs: pairing.roundTripMs,
  asked: toIsoTime(pairing.createdAtMs),
  askedUntil: toIsoTime(pairing.askedUntilMs),
  established: pairing.state === 'allowed' ? toIsoTimeOrNull(pairing.decidedAtMs) : null,
  lastHeartbeat: toIsoTimeOrNull(pairing.heardAtMs),
});
