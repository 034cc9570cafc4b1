import { z } from 'zod';
import { ASK_WAIT_MS, ASK_WAIT_MS_MAX, type PairingService } from '../../../domains/pairings/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { connectionSchema, connectionToJson, operationsSchema, reasonSchema } from './schemas.ts';

/** Asks for a connection between two devices, in the name of the first. */
export const createConnection = ({ pairings }: { pairings: PairingService }) =>
  defineRoute({
    operation: 'connections.create',
    method: 'POST',
    path: '/api/v1/connections',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Lets a device of yours send to another one of its network. 201 where both are yours; 202 where the other one, or its owner, is asked.',
    body: z.strictObject({
      networkId: idSchema,
      sourceId: idSchema,
      targetId: idSchema,
      operations: operationsSchema.optional(),
      reason: reasonSchema.default(''),
      waitSeconds: z
        .int()
        .min(1)
        .max(ASK_WAIT_MS_MAX / 1000)
        .default(ASK_WAIT_MS / 1000)
        .describe('How long the question stays open.'),
    }),
    response: connectionSchema,
    status: 201,
    statusOf: ({ status }) => (status === 'asked' ? 202 : 201),
    errors: ['network_not_found', 'device_not_found', 'limit_reached'],
    handle: async ({ actor, body }) =>
      connectionToJson(
        await pairings.ask(actor, {
          networkId: asId<NetworkId>(body.networkId),
          sourceId: asId<DeviceId>(body.sourceId),
          targetId: asId<DeviceId>(body.targetId),
          operations: body.operations ?? null,
          reason: body.reason,
          waitMs: body.waitSeconds * 1000,
        }),
      ),
  });
