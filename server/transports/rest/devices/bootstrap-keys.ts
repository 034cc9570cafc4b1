import { z } from 'zod';
import {
  BOOTSTRAP_DEVICES_MAX,
  type BootstrapKey,
  type DeviceService,
} from '../../../domains/devices/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { idSchema, nameSchema, timeSchema, toIsoTime } from '../schemas.ts';
import { pemSchema, worldTypeSchema } from './schemas.ts';

const bootstrapKeySchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    networkId: z.uuid().describe('Where its devices come.'),
    worldTypes: z.array(worldTypeSchema).nullable().describe('Null: any.'),
    devicesMax: z.int(),
    devicesUsed: z.int().describe('Devices that have used it, also those that were removed since.'),
    madeBy: z.uuid(),
    createdAt: timeSchema,
    expiresAt: timeSchema,
    authority: z
      .string()
      .nullable()
      .describe(
        "The SHA-256, in hex, of the certificate of who issues the devices'; null: they show the key itself.",
      ),
  })
  .meta({ id: 'BootstrapKey' });

const toJson = ({ tenantId: _, worldTypes, createdAtMs, expiresAtMs, authority, ...key }: BootstrapKey) => ({
  ...key,
  authority: authority === null ? null : Buffer.from(authority).toString('hex'),
  worldTypes: worldTypes === null ? null : [...worldTypes],
  createdAt: toIsoTime(createdAtMs),
  expiresAt: toIsoTime(expiresAtMs),
});

/** A key with which a fleet registers itself. */
export const createBootstrapKey = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.bootstrapKeys.create',
    method: 'POST',
    path: '/api/v1/bootstrap-keys',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'A key with which devices register themselves in a network of yours; shown once.',
    body: z.strictObject({
      name: nameSchema,
      networkId: idSchema,
      worldTypes: z.array(worldTypeSchema).min(1).max(5).optional().describe('Without it, any.'),
      devicesMax: z.int().min(1).max(BOOTSTRAP_DEVICES_MAX),
      expiresAt: z.iso.datetime(),
      authority: pemSchema
        .optional()
        .describe(
          "The certificate of who issues the devices': with it they show certificates, and there is no key to show.",
        ),
    }),
    response: z.object({
      key: bootstrapKeySchema,
      secret: z.string().nullable().describe('Shown this once; null with `authority`.'),
    }),
    status: 201,
    errors: ['network_not_found', 'limit_reached'],
    handle: async ({ actor, body }) => {
      const { key, secret } = await devices.createBootstrapKey(actor, {
        name: body.name,
        networkId: asId<NetworkId>(body.networkId),
        worldTypes: body.worldTypes ?? null,
        devicesMax: body.devicesMax,
        expiresAtMs: Date.parse(body.expiresAt),
        authority: body.authority ?? null,
      });
      return { key: toJson(key), secret };
    },
  });

const cursor = timeCursor<string>();

/** The keys of the tenant. */
export const listBootstrapKeys = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.bootstrapKeys.list',
    method: 'GET',
    path: '/api/v1/bootstrap-keys',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'access',
    summary: 'The keys with which devices register themselves, without their secrets.',
    query: pageQuery(cursor),
    response: pageSchema(bootstrapKeySchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await devices.listBootstrapKeys(actor, query.after ?? null, query.limit);
      return { items: page.items.map(toJson), next: cursor.next(page.next) };
    },
  });

/** Ends a key. */
export const revokeBootstrapKey = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.bootstrapKeys.revoke',
    method: 'DELETE',
    path: '/api/v1/bootstrap-keys/:keyId',
    access: 'networks.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'No device registers with this key any more; those that did stay.',
    params: z.strictObject({ keyId: idSchema }),
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['token_not_found'],
    handle: async ({ actor, params }) => {
      await devices.revokeBootstrapKey(actor, params.keyId);
      return { removed: true as const };
    },
  });
