import { z } from 'zod';
import { RELEASE_KINDS, RELEASE_MANIFEST_BYTES, RELEASE_SIGNATURE_BYTES } from '../../../../proto/index.ts';
import { RELEASE_PART_BYTES, type Release, type ReleaseKey } from '../../../domains/releases/index.ts';
import { bytesSchema, idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

export const publicKeySchema = bytesSchema(32);

export const signedManifestSchema = z.strictObject({
  manifest: bytesSchema(RELEASE_MANIFEST_BYTES),
  signature: bytesSchema(RELEASE_SIGNATURE_BYTES),
});

export const keyParamsSchema = z.strictObject({ keyId: idSchema });
export const releaseParamsSchema = z.strictObject({ releaseId: idSchema });
export const partParamsSchema = z.strictObject({
  releaseId: idSchema,
  index: z
    .string()
    .regex(/^(0|[1-9][0-9]{0,5})$/)
    .transform(Number),
});

export const releaseKeySchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    networkId: z.uuid().nullable().describe('Null: for all networks of the tenant.'),
    publicKey: z.string(),
    createdAt: timeSchema,
  })
  .meta({ id: 'ReleaseKey' });

/** A key as REST shows it. */
export const releaseKeyToJson = ({ publicKey, createdAtMs, ...key }: ReleaseKey) => ({
  ...key,
  publicKey: Buffer.from(publicKey).toString('base64url'),
  createdAt: toIsoTime(createdAtMs),
});

export const releaseSchema = z
  .object({
    id: z.uuid(),
    keyId: z.uuid(),
    networkId: z.uuid().nullable().describe('The one network that its key is for; null: any.'),
    kind: z.enum(RELEASE_KINDS),
    name: z.string(),
    version: z.int(),
    target: z.string(),
    oldestVersion: z
      .int()
      .describe('Below it devices take nothing any more, once they confirmed this release.'),
    sha256: z.string().describe('Of the content, in hexadecimal digits.'),
    contentBytes: z.int(),
    receivedBytes: z.int(),
    partBytes: z.literal(RELEASE_PART_BYTES).describe('Of every part but the last.'),
    completedAt: timeSchema.nullable(),
    createdAt: timeSchema,
  })
  .meta({ id: 'Release' });

/** A release as REST shows it. */
export const releaseToJson = ({ id, keyId, networkId, described, ...release }: Release) => {
  const { sha256, ...manifest } = described;
  return {
    id,
    keyId,
    networkId,
    ...manifest,
    sha256: Buffer.from(sha256).toString('hex'),
    receivedBytes: release.receivedBytes,
    partBytes: RELEASE_PART_BYTES,
    completedAt: toIsoTimeOrNull(release.completedAtMs),
    createdAt: toIsoTime(release.createdAtMs),
  };
};
