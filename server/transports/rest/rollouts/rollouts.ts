import type { RolloutService } from '../../../domains/rollouts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { rolloutBodySchema, rolloutParamsSchema, rolloutSchema, rolloutToJson, toOrder } from './schemas.ts';

const cursor = timeCursor<string>();
type Services = { rollouts: RolloutService };

/** The rollouts of the tenant. */
export const listRollouts = ({ rollouts }: Services) =>
  defineRoute({
    operation: 'rollouts.list',
    method: 'GET',
    path: '/api/v1/rollouts',
    access: 'releases.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Rollouts, and how far each is.',
    query: pageQuery(cursor),
    response: pageSchema(rolloutSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await rollouts.list(actor, query.after ?? null, query.limit);
      return { items: page.items.map(rolloutToJson), next: cursor.next(page.next) };
    },
  });

/** Begins a rollout. */
export const createRollout = ({ rollouts }: Services) =>
  defineRoute({
    operation: 'rollouts.create',
    method: 'POST',
    path: '/api/v1/rollouts',
    access: 'releases.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Brings a release to the devices that a filter fits, so many at a time, until too many fail.',
    body: rolloutBodySchema,
    response: rolloutSchema,
    status: 201,
    errors: [
      'release_not_found',
      'release_incomplete',
      'network_not_found',
      'group_not_found',
      'device_not_found',
      'limit_reached',
    ],
    handle: async ({ actor, body }) => rolloutToJson(await rollouts.start(actor, toOrder(body))),
  });

/** One rollout. */
export const getRollout = ({ rollouts }: Services) =>
  defineRoute({
    operation: 'rollouts.get',
    method: 'GET',
    path: '/api/v1/rollouts/:rolloutId',
    access: 'releases.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'A rollout, and how far it is.',
    params: rolloutParamsSchema,
    response: rolloutSchema,
    status: 200,
    errors: ['rollout_not_found'],
    handle: async ({ actor, params }) => rolloutToJson(await rollouts.get(actor, params.rolloutId)),
  });
