import { z } from 'zod';
import {
  FILTER_LENGTH_MAX,
  FILTERS_MAX,
  type RightsHolder,
  type TopicRightsService,
} from '../../../domains/topic-rights/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { networkParamsSchema } from '../networks/schemas.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

const filters = (of: string) =>
  z
    .array(z.string().min(1).max(FILTER_LENGTH_MAX))
    .max(FILTERS_MAX)
    .nullable()
    .describe(`Topic filters ${of}, beside the device's own topics; null: all.`);
const rights = { publish: filters('it may publish to'), subscribe: filters('it may subscribe within') };
const holderSchema = z
  .union([idSchema, z.literal('guests')])
  .describe("A device's id; `guests`: every device of another tenant that has no rights of its own here.");
const rightsSchema = z
  .object({ holder: holderSchema, ...rights, changedAt: timeSchema })
  .meta({ id: 'TopicRights' });

type Services = { readonly topicRights: TopicRightsService };

const path = '/api/v1/networks/:networkId/topic-rights';
const ofHolder = {
  path: `${path}/:holder`,
  access: 'networks.manage',
  cost: COSTS.write,
  audit: 'change',
  params: networkParamsSchema.extend({ holder: holderSchema }),
  status: 200,
} as const;

/** Who has less than all topics in a network. */
export const listTopicRights = ({ topicRights }: Services) =>
  defineRoute({
    operation: 'networks.topicRights.list',
    method: 'GET',
    path,
    access: 'networks.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Which topics devices may use in a network over MQTT, of those that may not use all.',
    params: networkParamsSchema,
    response: z.object({ items: z.array(rightsSchema) }),
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, params }) => {
      const kept = await topicRights.list(actor, asId<NetworkId>(params.networkId));
      return {
        items: kept.map(({ holder, publish, subscribe, changedAtMs }) => ({
          holder,
          publish: publish && [...publish],
          subscribe: subscribe && [...subscribe],
          changedAt: toIsoTime(changedAtMs),
        })),
      };
    },
  });

/** Says which topics a device, or all guests, may use. */
export const setTopicRights = ({ topicRights }: Services) =>
  defineRoute({
    ...ofHolder,
    operation: 'networks.topicRights.set',
    method: 'PUT',
    summary:
      'Says which topics a device, or every guest, may use in a network over MQTT. It holds at once: what it has open there ends, and comes again.',
    body: z.strictObject(rights),
    response: rightsSchema,
    errors: ['network_not_found', 'device_not_found', 'limit_reached'],
    handle: async ({ actor, params, body }) => {
      const holder = params.holder as RightsHolder;
      const { changedAtMs } = await topicRights.set(actor, asId<NetworkId>(params.networkId), holder, body);
      return { holder, ...body, changedAt: toIsoTime(changedAtMs) };
    },
  });

/** Takes that back. */
export const removeTopicRights = ({ topicRights }: Services) =>
  defineRoute({
    ...ofHolder,
    operation: 'networks.topicRights.remove',
    method: 'DELETE',
    summary: 'Lets a device, or guests, use all topics of a network again.',
    response: z.object({ removed: z.literal(true) }),
    errors: ['network_not_found'],
    handle: async ({ actor, params }) => {
      await topicRights.remove(actor, asId<NetworkId>(params.networkId), params.holder as RightsHolder);
      return { removed: true as const };
    },
  });
