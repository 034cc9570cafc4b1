import { z } from 'zod';
import {
  Command,
  CommandResult,
  decodePayload,
  encodePayload,
  errorCodeName,
  FrameType,
} from '../../../../proto/index.ts';
import type { CommandService } from '../../../domains/commands/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { jsonOf, wireValue } from '../../frames/json-values.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { deviceParamsSchema } from './schemas.ts';

/** Seconds that a request waits for the device, at most, and when nobody says. */
const WAIT_SECONDS_MAX = 30;
const WAIT_SECONDS = 10;
/** Arguments of a command. */
const ARGUMENTS_MAX = 64;

const argumentSchema = z.union([z.number(), z.boolean(), z.string().max(4_096)]);
const argumentsSchema = z
  .record(z.string().min(1).max(128), argumentSchema)
  .refine((given) => Object.keys(given).length <= ARGUMENTS_MAX, `More than ${ARGUMENTS_MAX} arguments`);

/** What a device answered. What can't be read is its fault, and shown as an error. */
function resultToJson(payload: Uint8Array) {
  try {
    const { error, values } = decodePayload(CommandResult, payload);
    const refusal = error ? { code: errorCodeName(error.code ?? 0), message: error.message ?? '' } : null;
    return { error: refusal, values: jsonOf(values) as Record<string, never> };
  } catch {
    const error = { code: 'frame_payload_malformed', message: 'The device’s answer can not be read.' };
    return { error, values: {} };
  }
}

/** Asks a device to do something, and waits for a while for what becomes of it. */
export const sendCommand = ({ commands }: { commands: CommandService }) =>
  defineRoute({
    operation: 'devices.commands.send',
    method: 'POST',
    path: '/api/v1/devices/:deviceId/commands',
    access: 'devices.command',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Asks a device to do something. 200 with its result; 202 when none came in time: the command is kept, and waits for the device.',
    params: deviceParamsSchema,
    body: z.strictObject({
      name: z.string().min(1).max(128),
      arguments: argumentsSchema.default({}),
      networkId: idSchema
        .optional()
        .describe('Where the device is in several; the first of them when not said.'),
      waitSeconds: z.int().min(0).max(WAIT_SECONDS_MAX).default(WAIT_SECONDS),
    }),
    response: z.object({
      id: z.uuid(),
      networkId: z.uuid(),
      result: z
        .object({
          error: z.object({ code: z.string(), message: z.string() }).nullable(),
          values: z.record(
            z.string(),
            z.union([z.number(), z.boolean(), z.string(), z.object({ base64: z.string() })]).nullable(),
          ),
        })
        .nullable()
        .describe('null: it has not come yet.'),
    }),
    status: 200,
    statusOf: ({ result }) => (result === null ? 202 : 200),
    errors: [
      'device_not_found',
      'network_not_found',
      'frame_destination_unknown',
      'frame_too_large',
      'storage_quota_exceeded',
    ],
    async handle({ actor, params, body, request }) {
      const given = Object.entries(body.arguments).map(([name, value]) => [name, wireValue(value)] as const);
      const { id, networkId, result } = await commands.send(actor, {
        deviceId: asId<DeviceId>(params.deviceId),
        networkId: body.networkId === undefined ? null : asId<NetworkId>(body.networkId),
        type: FrameType.COMMAND,
        payload: encodePayload(Command, { name: body.name, arguments: Object.fromEntries(given) }),
        described: { name: body.name, arguments: body.arguments },
        waitMs: body.waitSeconds * 1000,
        signal: request.signal,
      });
      return { id, networkId, result: result === null ? null : resultToJson(result) };
    },
  });
