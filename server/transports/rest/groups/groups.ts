import { z } from 'zod';
import type { GroupService } from '../../../domains/groups/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { networkParamsSchema } from '../networks/schemas.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { nameSchema } from '../schemas.ts';
import { groupOf, groupParamsSchema, groupSchema, groupToJson } from './schemas.ts';

const cursor = timeCursor<string>();
type Services = { groups: GroupService };

/** The groups of a network. */
export const listGroups = ({ groups }: Services) =>
  defineRoute({
    operation: 'groups.list',
    method: 'GET',
    path: '/api/v1/networks/:networkId/groups',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The groups of devices of a network.',
    params: networkParamsSchema,
    query: pageQuery(cursor),
    response: pageSchema(groupSchema),
    status: 200,
    errors: ['network_not_found'],
    handle: async ({ actor, params, query }) => {
      const networkId = asId<NetworkId>(params.networkId);
      const page = await groups.list(actor, networkId, query.after ?? null, query.limit);
      return { items: page.items.map(groupToJson), next: cursor.next(page.next) };
    },
  });

/** A new group without devices. */
export const createGroup = ({ groups }: Services) =>
  defineRoute({
    operation: 'groups.create',
    method: 'POST',
    path: '/api/v1/networks/:networkId/groups',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Makes a group of devices of a network. An event to its id goes to its members.',
    params: networkParamsSchema,
    body: z.strictObject({ name: nameSchema }),
    response: groupSchema,
    status: 201,
    errors: ['network_not_found', 'group_name_taken', 'limit_reached'],
    handle: async ({ actor, params, body }) =>
      groupToJson(await groups.create(actor, asId<NetworkId>(params.networkId), body.name)),
  });

/** Gives a group another name. */
export const renameGroup = ({ groups }: Services) =>
  defineRoute({
    operation: 'groups.rename',
    method: 'PUT',
    path: '/api/v1/networks/:networkId/groups/:groupId',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Gives a group another name.',
    params: groupParamsSchema,
    body: z.strictObject({ name: nameSchema }),
    response: groupSchema,
    status: 200,
    errors: ['network_not_found', 'group_not_found', 'group_name_taken'],
    handle: async ({ actor, params, body }) =>
      groupToJson(await groups.rename(actor, groupOf(params), body.name)),
  });

/** Removes a group; its devices stay. */
export const removeGroup = ({ groups }: Services) =>
  defineRoute({
    operation: 'groups.remove',
    method: 'DELETE',
    path: '/api/v1/networks/:networkId/groups/:groupId',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Removes a group; its devices stay. What was kept for it reaches nobody any more.',
    params: groupParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['network_not_found', 'group_not_found'],
    handle: async ({ actor, params }) => {
      await groups.remove(actor, groupOf(params));
      return { removed: true as const };
    },
  });
