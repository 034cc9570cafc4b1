import type { ActionService } from '../../../domains/actions/index.ts';
import { type ActionId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { actionParamsSchema, actionSchema, actionToJson } from './schemas.ts';

/** Ends an action. */
export const cancelAction = ({ actions }: { actions: ActionService }) =>
  defineRoute({
    operation: 'actions.cancel',
    method: 'POST',
    path: '/api/v1/actions/:actionId/cancel',
    access: 'devices.command',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Ends an action: its device is told to stop, and what it says from then on is refused.',
    params: actionParamsSchema,
    response: actionSchema,
    status: 200,
    errors: ['action_not_found', 'action_over'],
    handle: async ({ actor, params }) =>
      actionToJson(await actions.cancel(actor, asId<ActionId>(params.actionId))),
  });
