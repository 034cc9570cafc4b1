import { z } from 'zod';
import {
  ACTION_STATES,
  JOINT_OUTCOMES,
  type JointAction,
  type JointActionService,
} from '../../../domains/actions/index.ts';
import { type ActionId, asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { networkParamsSchema } from '../networks/schemas.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';
import { actionSchema, actionToJson, askedSchema } from './schemas.ts';

/** The actions service of several devices, as the routes get it. */
interface Services {
  readonly jointActions: JointActionService;
}

const jointParamsSchema = networkParamsSchema.extend({ actionId: idSchema });

const jointSchema = z
  .object({
    id: z.uuid(),
    networkId: z.uuid(),
    name: z.string(),
    needed: z.int().describe('So many of the devices must have done it.'),
    outcome: z
      .enum(JOINT_OUTCOMES)
      .nullable()
      .describe(
        'As many as needed have done it; they can not any more; somebody ended it before. null: nothing is decided.',
      ),
    created: timeSchema,
    deadline: timeSchema.describe('By then it is decided.'),
    decided: timeSchema.nullable(),
    results: z
      .array(
        z.object({
          deviceId: z.uuid(),
          status: z.enum(ACTION_STATES).describe('As of an action.'),
          error: z.object({ code: z.string(), message: z.string() }).nullable(),
          action: actionSchema
            .nullable()
            .describe('null: the device could not be asked, or it is too long ago.'),
        }),
      )
      .describe('In the order in which the devices were named.'),
  })
  .meta({ id: 'JointAction' });

const jointToJson = (joint: JointAction): z.output<typeof jointSchema> => ({
  id: joint.id,
  networkId: joint.networkId,
  name: joint.name,
  needed: joint.needed,
  outcome: joint.outcome,
  created: toIsoTime(joint.createdAtMs),
  deadline: toIsoTime(joint.deadlineAtMs),
  decided: toIsoTimeOrNull(joint.decidedAtMs),
  results: joint.parts.map(({ deviceId, state, error, action }) => ({
    deviceId,
    status: state ?? action?.state ?? 'queued',
    error: error ?? (action?.error && { ...action.error }) ?? null,
    action: action && actionToJson(action),
  })),
});

/** Asks several devices as one. */
export const askJointAction = ({ jointActions }: Services) =>
  defineRoute({
    operation: 'networks.actions.ask',
    method: 'POST',
    path: '/api/v1/networks/:networkId/actions',
    access: 'devices.command',
    cost: COSTS.completion,
    audit: 'change',
    summary:
      'Asks several devices of a network as one: all, any, or a number of them must have done it; once that is decided the others are cancelled. The same `id` asks for the same one again: 200 with its results, once it is decided.',
    params: networkParamsSchema,
    body: askedSchema.extend({
      deviceIds: z.array(idSchema).min(1).max(100),
      need: z
        .union([z.enum(['all', 'any']), z.int().min(1).max(100)])
        .default('all')
        .describe('How many of them must have done it.'),
    }),
    response: jointSchema,
    status: 202,
    statusOf: ({ decided }) => (decided === null ? 202 : 200),
    errors: ['network_not_found', 'action_id_taken', 'limit_reached'],
    async handle({ actor, params, body }) {
      const joint = await jointActions.ask(actor, {
        networkId: asId<NetworkId>(params.networkId),
        deviceIds: body.deviceIds.map((id) => asId<DeviceId>(id)),
        need: body.need,
        id: body.id === undefined ? null : asId<ActionId>(body.id),
        name: body.name,
        arguments: body.arguments,
        priority: body.priority,
        timeoutMs: body.timeoutSeconds * 1000,
      });
      return jointToJson(joint);
    },
  });

/** One action of several devices. */
export const getJointAction = ({ jointActions }: Services) =>
  defineRoute({
    operation: 'networks.actions.get',
    method: 'GET',
    path: '/api/v1/networks/:networkId/actions/:actionId',
    access: 'devices.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'What several devices were asked to do as one, and what has become of it at each.',
    params: jointParamsSchema,
    response: jointSchema,
    status: 200,
    errors: ['action_not_found'],
    handle: async ({ actor, params }) =>
      jointToJson(
        await jointActions.get(actor, asId<NetworkId>(params.networkId), asId<ActionId>(params.actionId)),
      ),
  });

/** Ends an action of several devices. */
export const cancelJointAction = ({ jointActions }: Services) =>
  defineRoute({
    operation: 'networks.actions.cancel',
    method: 'POST',
    path: '/api/v1/networks/:networkId/actions/:actionId/cancel',
    access: 'devices.command',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Ends what several devices were asked to do as one, at each that has not ended it.',
    params: jointParamsSchema,
    response: jointSchema,
    status: 200,
    errors: ['action_not_found', 'action_over'],
    handle: async ({ actor, params }) =>
      jointToJson(
        await jointActions.cancel(actor, asId<NetworkId>(params.networkId), asId<ActionId>(params.actionId)),
      ),
  });
