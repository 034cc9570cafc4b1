import { z } from 'zod';
import type { ReleaseService } from '../../../domains/releases/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, nameSchema } from '../schemas.ts';
import { keyParamsSchema, publicKeySchema, releaseKeySchema, releaseKeyToJson } from './schemas.ts';

type Services = { releases: ReleaseService };

/** The keys whose signatures count. */
export const listReleaseKeys = ({ releases }: Services) =>
  defineRoute({
    operation: 'releases.keys.list',
    method: 'GET',
    path: '/api/v1/release-keys',
    access: 'releases.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The keys whose signatures of releases count.',
    response: z.object({ items: z.array(releaseKeySchema) }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({ items: (await releases.listKeys(actor)).map(releaseKeyToJson) }),
  });

/** One more key. */
export const createReleaseKey = ({ releases }: Services) =>
  defineRoute({
    operation: 'releases.keys.create',
    method: 'POST',
    path: '/api/v1/release-keys',
    access: 'releases.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Lets a key sign releases, for all networks or for one. Its private half never comes here.',
    body: z.strictObject({
      name: nameSchema,
      publicKey: publicKeySchema,
      networkId: idSchema.nullable().default(null).describe('Null: for all networks of the tenant.'),
    }),
    response: releaseKeySchema,
    status: 201,
    errors: ['network_not_found', 'release_exists', 'limit_reached'],
    handle: async ({ actor, body }) =>
      releaseKeyToJson(
        await releases.addKey(actor, {
          name: body.name,
          publicKey: Buffer.from(body.publicKey, 'base64url'),
          networkId: body.networkId === null ? null : asId<NetworkId>(body.networkId),
        }),
      ),
  });

/** One key less. */
export const removeReleaseKey = ({ releases }: Services) =>
  defineRoute({
    operation: 'releases.keys.remove',
    method: 'DELETE',
    path: '/api/v1/release-keys/:keyId',
    access: 'releases.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Takes a key back that has signed no release which is still there.',
    params: keyParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['release_key_not_found', 'release_in_use'],
    handle: async ({ actor, params }) => {
      await releases.removeKey(actor, params.keyId);
      return { removed: true as const };
    },
  });
