import type { ActionService } from '../../../domains/actions/index.ts';
import { type ActionId, asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema } from '../devices/schemas.ts';
import { idSchema } from '../schemas.ts';
import { actionSchema, actionToJson, askedSchema } from './schemas.ts';

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
    body: askedSchema.extend({
      networkId: idSchema
        .optional()
        .describe('Where the device is in several; the first of them when not said.'),
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
