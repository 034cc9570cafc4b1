import type { RolloutService } from '../../../domains/rollouts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { rolloutParamsSchema, rolloutSchema, rolloutToJson } from './schemas.ts';

type Services = { rollouts: RolloutService };

/** Starts no further devices until it is resumed. */
export const pauseRollout = (services: Services) =>
  changeRoute(services, 'pause', 'paused', 'Starts no further devices; those at work go on.');

/** Goes on with a rollout that was paused. */
export const resumeRollout = (services: Services) =>
  changeRoute(services, 'resume', 'running', 'Goes on with a rollout that was paused.');

/** Ends a rollout before all devices had their turn. */
export const cancelRollout = (services: Services) =>
  changeRoute(
    services,
    'cancel',
    'cancelled',
    'Ends a rollout. Devices that have downloaded all of it go on, no other gets more of it.',
  );

const changeRoute = (
  { rollouts }: Services,
  verb: 'pause' | 'resume' | 'cancel',
  to: 'paused' | 'running' | 'cancelled',
  summary: string,
) =>
  defineRoute({
    operation: `rollouts.${verb}`,
    method: 'POST',
    path: `/api/v1/rollouts/:rolloutId/${verb}`,
    access: 'releases.manage',
    cost: COSTS.write,
    audit: 'change',
    summary,
    params: rolloutParamsSchema,
    response: rolloutSchema,
    status: 200,
    errors: ['rollout_not_found', 'rollout_state_wrong'],
    handle: async ({ actor, params }) => rolloutToJson(await rollouts.change(actor, params.rolloutId, to)),
  });
