import { z } from 'zod';
import {
  type ActionService,
  NAME_CHARACTERS_MAX,
  PRIORITY,
  PRIORITY_MAX,
  TIMEOUT_MS,
  TIMEOUT_MS_MAX,
} from '../../../domains/actions/index.ts';
import { type ActionId, asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema } from '../devices/schemas.ts';
import { idSchema } from '../schemas.ts';
import { actionSchema, actionToJson } from './schemas.ts';

const argumentsSchema = z.record(
  z.string().min(1).max(128),
  z.union([
    z.number(),
    z.boolean(),
    z.string().max(4_096),
    z.strictObject({ base64: z.base64().max(8_192) }),
  ]),
);

/** Asks a device for an action. */
export const askAction = ({ actions }: { actions: ActionService }) =>
  defineRoute({
    operation: 'devices.actions.ask',
    method: 'POST',
    path: '/api/v1/devices/:deviceId/actions',
    access: 'devices.command',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Asks a device to do something that is kept until its end: 202. The same `id` asks for the same action again: 200 with its result, once it has ended.',
    params: deviceParamsSchema,
    body: z.strictObject({
      id: idSchema.optional().describe('Yours, so that you can ask again without having it done twice.'),
      name: z.string().min(1).max(NAME_CHARACTERS_MAX),
      arguments: argumentsSchema.default({}),
      networkId: idSchema
        .optional()
        .describe('Where the device is in several; the first of them when not said.'),
      priority: z.int().min(0).max(PRIORITY_MAX).default(PRIORITY).describe('The highest is given first.'),
      timeoutSeconds: z
        .int()
        .min(1)
        .max(TIMEOUT_MS_MAX / 1000)
        .default(TIMEOUT_MS / 1000)
        .describe('By then it has ended.'),
    }),
    response: actionSchema,
    status: 202,
    statusOf: ({ ended }) => (ended === null ? 202 : 200),
    errors: ['device_not_found', 'network_not_found', 'action_id_taken', 'limit_reached'],
    async handle({ actor, params, body }) {
      const { action } = await actions.ask(actor, {
        deviceId: asId<DeviceId>(params.deviceId),
        networkId: body.networkId === undefined ? null : asId<NetworkId>(body.networkId),
        networkTenantId: null,
        id: body.id === undefined ? null : asId<ActionId>(body.id),
        name: body.name,
        arguments: body.arguments,
        priority: body.priority,
        timeoutMs: body.timeoutSeconds * 1000,
        causeId: null,
      });
      return actionToJson(action);
    },
  });
