import { z } from 'zod';
import { ADDED_TOGETHER_MAX, type GroupService } from '../../../domains/groups/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';
import { idSchema } from '../schemas.ts';
import { groupOf, groupParamsSchema, groupSchema, groupToJson } from './schemas.ts';

const cursor = idCursor<DeviceId>();
type Services = { groups: GroupService };

/** The devices of a group. */
export const listGroupMembers = ({ groups }: Services) =>
  defineRoute({
    operation: 'groups.members.list',
    method: 'GET',
    path: '/api/v1/networks/:networkId/groups/:groupId/members',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The devices of a group.',
    params: groupParamsSchema,
    query: pageQuery(cursor),
    response: pageSchema(z.object({ deviceId: z.uuid() })),
    status: 200,
    errors: ['network_not_found', 'group_not_found'],
    handle: async ({ actor, params, query }) => {
      const page = await groups.listMembers(actor, groupOf(params), query.after ?? null, query.limit);
      return { items: page.items.map((deviceId) => ({ deviceId })), next: cursor.next(page.next) };
    },
  });

/** Adds devices to a group. */
export const addGroupMembers = ({ groups }: Services) =>
  defineRoute({
    operation: 'groups.members.add',
    method: 'POST',
    path: '/api/v1/networks/:networkId/groups/:groupId/members',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Adds devices of the network to a group, all or none: what is said to it from now on is for them.',
    params: groupParamsSchema,
    body: z.strictObject({ deviceIds: z.array(idSchema).min(1).max(ADDED_TOGETHER_MAX) }),
    response: groupSchema,
    status: 200,
    errors: ['network_not_found', 'group_not_found', 'device_not_found', 'limit_reached'],
    handle: async ({ actor, params, body }) => {
      const deviceIds = body.deviceIds.map((id) => asId<DeviceId>(id));
      return groupToJson(await groups.addMembers(actor, groupOf(params), deviceIds));
    },
  });

/** Takes a device out of a group. */
export const removeGroupMember = ({ groups }: Services) =>
  defineRoute({
    operation: 'groups.members.remove',
    method: 'DELETE',
    path: '/api/v1/networks/:networkId/groups/:groupId/members/:deviceId',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Takes a device out of a group.',
    params: groupParamsSchema.extend({ deviceId: idSchema }),
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['network_not_found', 'group_not_found', 'device_not_found'],
    handle: async ({ actor, params }) => {
      await groups.removeMember(actor, groupOf(params), asId<DeviceId>(params.deviceId));
      return { removed: true as const };
    },
  });
