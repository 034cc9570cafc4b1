import { z } from 'zod';
import type { NetworkService } from '../../../domains/networks/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { networkSchema, networkToJson } from './schemas.ts';

/** Makes an empty network in the tenant. */
export const createNetwork = ({ networks }: { networks: NetworkService }) =>
  defineRoute({
    operation: 'networks.create',
    method: 'POST',
    path: '/api/v1/networks',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'A new network.',
    body: z.strictObject({ name: nameSchema }),
    response: networkSchema,
    status: 201,
    errors: ['network_name_taken', 'limit_reached'],
    handle: async ({ actor, body }) => networkToJson(await networks.createNetwork(actor, body.name)),
  });
