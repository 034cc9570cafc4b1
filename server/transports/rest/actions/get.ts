import type { ActionService } from '../../../domains/actions/index.ts';
import { type ActionId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { actionParamsSchema, actionSchema, actionToJson } from './schemas.ts';

/** One action. */
export const getAction = ({ actions }: { actions: ActionService }) =>
  defineRoute({
    operation: 'actions.get',
    method: 'GET',
    path: '/api/v1/actions/:actionId',
    access: 'devices.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'What a device was asked to do, and what has become of it.',
    params: actionParamsSchema,
    response: actionSchema,
    status: 200,
    errors: ['action_not_found'],
    handle: async ({ actor, params }) =>
      actionToJson(await actions.get(actor, asId<ActionId>(params.actionId))),
  });
