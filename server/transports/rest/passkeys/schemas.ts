import { z } from 'zod';
import type { Passkey, PasskeyQuestion } from '../../../domains/accounts/index.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

export const passkeySchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    isSynced: z.boolean().describe('A password manager carries it to other devices of yours.'),
    isBackedUp: z.boolean().describe('There is a copy of it besides the one on its device.'),
    createdAt: timeSchema,
    lastUsedAt: timeSchema.nullable().describe('Null: never.'),
  })
  .meta({ id: 'Passkey' });

/** A passkey as REST shows it. */
export const passkeyToJson = ({ id, name, isSynced, isBackedUp, createdAtMs, lastUsedAtMs }: Passkey) => ({
  id,
  name,
  isSynced,
  isBackedUp,
  createdAt: toIsoTime(createdAtMs),
  lastUsedAt: toIsoTimeOrNull(lastUsedAtMs),
});

export const passkeyParamsSchema = z.strictObject({ passkeyId: idSchema });

/** What a page passes to its browser. */
export const questionSchema = z.object({
  challengeId: z.uuid().describe('Goes along with what the browser answers; good once.'),
  options: z
    .record(z.string(), z.json())
    .describe('For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.'),
  expiresAt: timeSchema,
});

/** A question as REST shows it. */
export const questionToJson = ({ challengeId, options, expiresAtMs }: PasskeyQuestion) => ({
  challengeId,
  // What isn't said has no name in it either.
  options: JSON.parse(JSON.stringify(options)) as Record<string, z.core.util.JSONType>,
  expiresAt: toIsoTime(expiresAtMs),
});

/** Bytes as browsers write them: base64url without padding (RFC 4648 section 5). */
const bytesSchema = (charactersMax: number) =>
  z
    .string()
    .max(charactersMax)
    .regex(/^[\w-]*$/);

const credential = {
  id: bytesSchema(1_400),
  rawId: bytesSchema(1_400),
  type: z.literal('public-key'),
  authenticatorAttachment: z.string().max(50).nullish(),
  clientExtensionResults: z.record(z.string().max(100), z.json()).default({}),
};

/** What browsers add, and nobody reads. */
const transportsSchema = z.array(z.string().max(50)).max(20).optional();

/** `PublicKeyCredential.toJSON()` of a passkey that was made. */
export const createdAnswerSchema = z.strictObject({
  ...credential,
  response: z.strictObject({
    clientDataJSON: bytesSchema(4_000),
    attestationObject: bytesSchema(20_000),
    authenticatorData: bytesSchema(20_000).optional(),
    transports: transportsSchema,
    publicKey: bytesSchema(8_000).nullish(),
    publicKeyAlgorithm: z.int().optional(),
  }),
});

/** `PublicKeyCredential.toJSON()` of a passkey that was used. */
export const usedAnswerSchema = z.strictObject({
  ...credential,
  response: z.strictObject({
    clientDataJSON: bytesSchema(4_000),
    authenticatorData: bytesSchema(4_000),
    signature: bytesSchema(4_000),
    userHandle: bytesSchema(100).nullish(),
  }),
});

/** The answer to a question. */
export const answeredSchema = z.strictObject({ challengeId: idSchema, answer: usedAnswerSchema });
