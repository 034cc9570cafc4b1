import type { PairingService } from '../../../domains/pairings/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { connectionParamsSchema, connectionSchema, connectionToJson } from './schemas.ts';

/** Withdraws a connection. */
export const endConnection = ({ pairings }: { pairings: PairingService }) =>
  defineRoute({
    operation: 'connections.close',
    method: 'DELETE',
    path: '/api/v1/connections/:connectionId',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Withdraws a connection, for either side: what is sent from then on is refused.',
    params: connectionParamsSchema,
    response: connectionSchema,
    status: 200,
    errors: ['connection_not_found', 'connection_decided'],
    handle: async ({ actor, params }) => connectionToJson(await pairings.end(actor, params.connectionId, '')),
  });
