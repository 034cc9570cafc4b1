import { z } from 'zod';
import type { ReleaseService } from '../../../domains/releases/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { releaseParamsSchema, releaseSchema, releaseToJson, signedManifestSchema } from './schemas.ts';

const cursor = timeCursor<string>();
type Services = { releases: ReleaseService };

/** The releases of the tenant. */
export const listReleases = ({ releases }: Services) =>
  defineRoute({
    operation: 'releases.list',
    method: 'GET',
    path: '/api/v1/releases',
    access: 'releases.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Releases of firmware and scripts.',
    query: pageQuery(cursor),
    response: pageSchema(releaseSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await releases.list(actor, query.after ?? null, query.limit);
      return { items: page.items.map(releaseToJson), next: cursor.next(page.next) };
    },
  });

/** A release whose content comes afterwards. */
export const createRelease = ({ releases }: Services) =>
  defineRoute({
    operation: 'releases.create',
    method: 'POST',
    path: '/api/v1/releases',
    access: 'releases.manage',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Makes a release of a manifest that one of the keys signed. Its content comes in parts afterwards.',
    body: signedManifestSchema,
    response: releaseSchema,
    status: 201,
    errors: [
      'release_manifest_malformed',
      'release_signature_wrong',
      'release_exists',
      'release_key_not_found',
      'limit_reached',
      'storage_quota_exceeded',
    ],
    handle: async ({ actor, body }) =>
      releaseToJson(
        await releases.create(actor, {
          manifest: Buffer.from(body.manifest, 'base64url'),
          signature: Buffer.from(body.signature, 'base64url'),
        }),
      ),
  });

/** One release, and how much of it is there. */
export const getRelease = ({ releases }: Services) =>
  defineRoute({
    operation: 'releases.get',
    method: 'GET',
    path: '/api/v1/releases/:releaseId',
    access: 'releases.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'A release, and how much of its content is there.',
    params: releaseParamsSchema,
    response: releaseSchema,
    status: 200,
    errors: ['release_not_found'],
    handle: async ({ actor, params }) => releaseToJson(await releases.get(actor, params.releaseId)),
  });

/** Removes a release with its rollouts. */
export const removeRelease = ({ releases }: Services) =>
  defineRoute({
    operation: 'releases.remove',
    method: 'DELETE',
    path: '/api/v1/releases/:releaseId',
    access: 'releases.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Removes a release and its rollouts, if these are over. Devices keep what they run.',
    params: releaseParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['release_not_found', 'release_in_use'],
    handle: async ({ actor, params }) => {
      await releases.remove(actor, params.releaseId);
      return { removed: true as const };
    },
  });
