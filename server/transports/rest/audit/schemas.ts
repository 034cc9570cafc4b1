import { z } from 'zod';
import { fromHex, toHex } from '../../../../proto/index.ts';
import type { SealedRecord, SignedHead } from '../../../domains/audit/index.ts';
import { defineCursor } from '../paging.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** A record's place, or a number of records, as a query or a path has it. */
export const placeSchema = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

/** Positions in lists whose last item comes first. */
export const placeCursor = defineCursor<number>(
  z.tuple([placeSchema]).transform(([place]) => place),
  (place) => [String(place)],
);

const bytesInHex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `must be ${bytes} bytes in hexadecimal`)
    .transform((text) => fromHex(text, bytes) ?? new Uint8Array());

/** What a witness signs with, and its signature. */
export const countersignatureInput = z.strictObject({
  publicKey: bytesInHex(HASH_BYTES).describe('Ed25519, 32 bytes in hexadecimal.'),
  signature: bytesInHex(SIGNATURE_BYTES).describe(
    'Of "yggdrasil audit witness 1", tenantId, size and root, each on a line of its own.',
  ),
});

/** Hashes beside the way to the root. */
export const pathSchema = z.array(z.string()).describe('SHA-256, in hexadecimal.');

export const recordSchema = z
  .object({
    tenantId: idSchema,
    index: z.int().describe("Its place in the tenant's log, from 0."),
    at: timeSchema,
    principal: z
      .string()
      .nullable()
      .describe('`account:<id>`, `device:<id>` or `service:<name>`; null: somebody unknown.'),
    operation: z.string(),
    class: z
      .string()
      .describe('`access`, `change`, `money`, or `emergency`: an operator looked, and says why.'),
    outcome: z.string().describe('`done`, or the code of the refusal.'),
    objects: z.array(z.string()).describe('What it was about, by id.'),
    reason: z.string().nullable(),
    leftOut: z.int().describe('Looks and refusals before it that were too many to be recorded.'),
    contentHash: z
      .string()
      .nullable()
      .describe('SHA-256 of the receipt that the record is of, in hexadecimal; null: of none.'),
    hash: z.string(),
  })
  .meta({ id: 'AuditRecord' });

const headShape = {
  tenantId: idSchema,
  size: z.int().describe('The records it is about: the first ones of the log.'),
  root: z.string().describe('The hash of the tree over them (RFC 9162).'),
  signedAt: timeSchema,
  keyId: z.string(),
  publicKey: z.string().describe('Ed25519. Keep it: another one later is another server, or a forgery.'),
  signature: z.string(),
};

export const headSchema = z.object(headShape).meta({ id: 'AuditHead' });

export const witnessedHeadSchema = z
  .object({
    ...headShape,
    countersignatures: z.array(
      z.object({
        publicKey: z.string(),
        signature: z.string(),
        principal: z.string(),
        signedAt: timeSchema,
      }),
    ),
  })
  .meta({ id: 'WitnessedAuditHead' });

/** A record at the border. */
export const recordToJson = ({ atMs, hash, objects, contentHash, ...record }: SealedRecord) => ({
  ...record,
  contentHash: contentHash === null ? null : toHex(contentHash),
  objects: [...objects],
  at: toIsoTime(atMs),
  hash: toHex(hash),
});

/** A head at the border. */
export const headToJson = ({
  signedAtMs,
  root,
  publicKey,
  signature,
  tenantId,
  size,
  keyId,
}: SignedHead) => ({
  tenantId,
  size,
  root: toHex(root),
  signedAt: toIsoTime(signedAtMs),
  keyId,
  publicKey: toHex(publicKey),
  signature: toHex(signature),
});
