import { z } from 'zod';
import {
  type BroughtTokenizer,
  TOKENIZER_BODY_BYTES_MAX,
  type TokenizerDifference,
  type TokenizerInUse,
  type TokenizerService,
} from '../../../domains/tokenizers/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute, defineRoute } from '../define-route.ts';
import { jsonResponse } from '../json-response.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';
import { providerParams } from './registration-schemas.ts';

type Services = { readonly tokenizers: TokenizerService };

const modelName = z.string().min(1).max(128);
const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of the file, unpacked, in hexadecimal.');

const broughtSchema = z
  .object({
    model: z.string(),
    hash,
    isInUse: z
      .boolean()
      .describe('False: another one counts for this model, and this one is used by nobody.'),
    broughtAt: timeSchema,
  })
  .meta({ id: 'BroughtTokenizer' });

const inUseSchema = z
  .object({
    model: z.string(),
    hash,
    rule: z
      .enum(['first', 'majority', 'operator'])
      .describe('Why it counts: the first one, that of most owners, or what an operator said.'),
    decidedAt: timeSchema,
  })
  .meta({ id: 'TokenizerInUse' });

const broughtToJson = ({ broughtAtMs, ...brought }: BroughtTokenizer) => ({
  ...brought,
  broughtAt: toIsoTime(broughtAtMs),
});

const inUseToJson = ({ model, hash: sha256, rule, decidedAtMs }: TokenizerInUse) => ({
  model,
  hash: sha256,
  rule,
  decidedAt: toIsoTime(decidedAtMs),
});

const differenceToJson = ({ inUse, brought }: TokenizerDifference) => ({
  inUse: inUseToJson(inUse),
  brought: [...brought],
});

/** The tokenizer.json of a model that a provider sells. */
export const bringTokenizer = ({ tokenizers }: Services) =>
  defineRawRoute({
    operation: 'marketplace.tokenizers.bring',
    method: 'PUT',
    path: '/api/v1/marketplace/providers/:providerId/tokenizer',
    params: providerParams,
    access: 'market.sell',
    cost: COSTS.completion,
    audit: 'change',
    summary:
      'Brings the tokenizer.json of a model (`?model=`) that a provider of yours sells, packed by gzip or not. It counts for the model when it is the first, or that of most owners, or an operator says so: `isInUse` of the answer.',
    response: 'application/json',
    status: 200,
    bodyType: 'application/octet-stream',
    bodyBytesMax: TOKENIZER_BODY_BYTES_MAX,
    errors: [
      'invalid_input',
      'provider_not_found',
      'model_not_found',
      'payout_method_missing',
      'tokenizer_unreadable',
      'tokenizer_too_large',
      'tokenizer_too_slow',
      'tokenizer_implausible',
      'limit_reached',
      'rate_limited',
    ],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { providerId } = checkInput(providerParams, request.params, 'params');
      const { model } = checkInput(z.strictObject({ model: modelName }), readQuery(request.query), 'query');
      return jsonResponse(200, broughtToJson(await tokenizers.bring(actor, providerId, model, request.body)));
    },
  });

/** The tokenizers that the caller's tenant has brought. */
export const listTokenizers = ({ tokenizers }: Services) =>
  defineRoute({
    operation: 'marketplace.tokenizers.list',
    method: 'GET',
    path: '/api/v1/marketplace/tokenizers',
    access: 'market.sell',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The tokenizers that you have brought, and whether each is the one that counts for its model.',
    response: z.object({ items: z.array(broughtSchema) }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({ items: (await tokenizers.list(actor)).map(broughtToJson) }),
  });

/** For operators: models for which owners have brought different files. */
export const listTokenizerDifferences = ({ tokenizers }: Services) =>
  defineRoute({
    operation: 'admin.tokenizers.list',
    method: 'GET',
    path: '/api/v1/admin/tokenizers',
    access: 'platform.operate',
    cost: COSTS.read,
    audit: 'access',
    summary: 'Models for which owners have brought different tokenizers, in the order of their names.',
    query: z.strictObject({
      after: modelName.optional().describe('The last model of the page before.'),
      limit: z.coerce.number().int().min(1).max(100).default(100),
    }),
    response: z.object({
      items: z.array(z.object({ inUse: inUseSchema, brought: z.array(z.object({ hash, owners: z.int() })) })),
    }),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => ({
      items: (await tokenizers.differences(actor, query.after ?? null, query.limit)).map(differenceToJson),
    }),
  });

/** For operators: which tokenizer counts for a model. */
export const decideTokenizer = ({ tokenizers }: Services) =>
  defineRoute({
    operation: 'admin.tokenizers.decide',
    method: 'POST',
    path: '/api/v1/admin/tokenizers/decision',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Says which of the tokenizers that were brought for a model counts, whatever others bring.',
    body: z.strictObject({ model: modelName, hash }),
    response: inUseSchema,
    status: 200,
    errors: ['tokenizer_not_found'],
    handle: async ({ actor, body }) => inUseToJson(await tokenizers.decide(actor, body.model, body.hash)),
  });
