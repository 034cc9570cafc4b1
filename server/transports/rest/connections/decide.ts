import { z } from 'zod';
import type { PairingService } from '../../../domains/pairings/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema } from '../schemas.ts';
import {
  connectionParamsSchema,
  connectionSchema,
  connectionToJson,
  operationsSchema,
  reasonSchema,
} from './schemas.ts';

/** Answers for a device that was asked. */
export const decideConnection = ({ pairings }: { pairings: PairingService }) =>
  defineRoute({
    operation: 'connections.decide',
    method: 'POST',
    path: '/api/v1/connections/:connectionId/decision',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Answers for a device of yours that is asked, or changes what was allowed.',
    params: connectionParamsSchema,
    body: z.strictObject({
      allow: z.boolean(),
      reason: reasonSchema.default(''),
      operations: operationsSchema.optional().describe('Without them: what was asked for.'),
      until: timeSchema.optional(),
      once: z.boolean().default(false),
    }),
    response: connectionSchema,
    status: 200,
    errors: ['connection_not_found', 'connection_decided', 'forbidden'],
    handle: async ({ actor, params, body }) =>
      connectionToJson(
        await pairings.decide(actor, params.connectionId, {
          allow: body.allow,
          reason: body.reason,
          operations: body.operations ?? null,
          untilMs: body.until === undefined ? null : Date.parse(body.until),
          once: body.once,
        }),
      ),
  });
