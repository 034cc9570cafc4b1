import type { PairingService } from '../../../domains/pairings/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { connectionParamsSchema, connectionSchema, connectionToJson } from './schemas.ts';

/** One connection between two devices. */
export const getConnection = ({ pairings }: { pairings: PairingService }) =>
  defineRoute({
    operation: 'connections.get',
    method: 'GET',
    path: '/api/v1/connections/:connectionId',
    access: 'devices.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'A connection between two devices, and how it stands.',
    params: connectionParamsSchema,
    response: connectionSchema,
    status: 200,
    errors: ['connection_not_found'],
    handle: async ({ actor, params }) => connectionToJson(await pairings.get(actor, params.connectionId)),
  });
