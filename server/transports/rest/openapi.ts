import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ErrorCodeName } from '../../../proto/index.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { Operation } from '../../kernel/operation.ts';
import { holderKind } from '../../kernel/permission.ts';
import { commonErrors } from '../pipeline/documented-errors.ts';
import type { HttpDescription } from '../pipeline/http-operation.ts';
import { OPERATION_RATES } from '../pipeline/rates.ts';
import type { Json } from './json-response.ts';

export interface ApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

type JsonObject = { readonly [key: string]: Json | undefined };
type Schemas = Map<string, JsonObject>;

/** The statuses of codes that follow from a route's kind; what a route lists itself has its own 4XX, or one of these. */
const COMMON_STATUSES: readonly (readonly [string, readonly ErrorCodeName[], string])[] = [
  ['400', ['invalid_input', 'malformed_json'], 'The request is not as described here.'],
  ['401', ['unauthenticated'], 'No token, or one that nobody has.'],
  [
    '403',
    ['forbidden', 'tenant_suspended', 'account_deletion_pending', 'api_key_scope', 'csrf_refused'],
    'Not with this token.',
  ],
  ['404', ['tenant_not_found'], 'No tenant of yours.'],
  ['413', ['too_large'], 'The body is too large.'],
  ['415', ['unsupported_media_type'], 'The body is not declared as JSON.'],
  [
    '429',
    ['rate_limited'],
    'Too many requests, or too much is running, for this caller; try again after Retry-After.',
  ],
  ['500', ['internal'], 'Our fault. Quote the request id.'],
  ['503', ['unavailable', 'storage_full'], 'Not now; try again.'],
];

/**
 * The OpenAPI 3.1 description of routes. Schemas with an id (`.meta({ id })`) become components. `others` are the
 * operations of other transports: they are listed with what the pipeline does with them.
 * Throws InvariantError when two different schemas have one id.
 */
export function buildOpenApiDocument(
  routes: readonly HttpDescription[],
  info: ApiInfo,
  others: readonly Operation[] = [],
): JsonObject {
  const schemas: Schemas = new Map([['Error', ERROR_SCHEMA]]);
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of routes) {
    const path = documentedPath(route).replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeRoute(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: { title: info.title, version: info.version, description: info.description },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    'x-operations': others.map((operation) => ({
      operationId: operation.operation,
      summary: operation.summary,
      ...pipelineNotes(operation),
      errors: operation.errors,
    })),
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A user token (ygu_...), an API key (ygk_...) or a device token (ygd_...).',
        },
      },
    },
  };
}

/** The path with a name in place of `*`. */
function documentedPath({ path, restOfPath }: HttpDescription): string {
  return restOfPath === undefined ? path : path.replace(/\*$/, `:${restOfPath}`);
}

/** In which tenant a user acts: a header of every route that asks who it is. */
const TENANT_PARAMETER: JsonObject = {
  name: 'X-Tenant-Id',
  in: 'header',
  required: false,
  description: 'The tenant in which you act, one of `GET /api/v1/tenants`; without it, your own.',
  schema: { type: 'string', format: 'uuid' },
};

function tagOf(route: HttpDescription): string {
  return route.operation.split('.', 1)[0] ?? route.operation;
}

function accessNote({ access }: Operation): string {
  if (access === 'public') return 'Open to everybody.';
  if (access === 'platform.operate') return 'Needs the token of an operator.';
  const tokens = { account: 'a user token', device: 'a device token', any: 'a user or a device token' };
  return `Needs ${tokens[holderKind(access)]} with the permission \`${access}\`.`;
}

/** What the pipeline does with an operation: who may, what it takes of a caller's share, what the audit makes of it. */
function pipelineNotes({ operation, access, cost, audit, needsProof }: Operation): JsonObject {
  const perMinute = OPERATION_RATES[operation];
  return {
    'x-permission': access === 'public' ? null : access,
    'x-limit-cost': cost,
    ...(perMinute === undefined ? {} : { 'x-requests-per-minute': perMinute }),
    'x-audit': audit,
    'x-needs-proof': needsProof === true,
  };
}

function describeRoute(route: HttpDescription, schemas: Schemas): JsonObject {
  const parameters = [
    ...(['path', 'query', 'header'] as const).flatMap((place) => parametersOf(route, place, schemas)),
    ...(route.access === 'public' ? [] : [TENANT_PARAMETER]),
  ];
  return {
    operationId: route.operation,
    tags: [tagOf(route)],
    summary: route.summary,
    description: accessNote(route),
    ...pipelineNotes(route),
    security: route.access === 'public' ? [] : [{ bearer: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...bodyOf(route, schemas),
    responses: { [route.status]: answerOf(route, schemas), ...errorsOf(route, schemas) },
  };
}

function bodyOf({ body, bodyType }: HttpDescription, schemas: Schemas): JsonObject {
  const required = true;
  if (bodyType !== undefined)
    return { requestBody: { required, content: { [bodyType]: { schema: { type: 'string' } } } } };
  if (body === null) return {};
  const schema = toSchema('body', body, schemas);
  return { requestBody: { required, content: { 'application/json': { schema } } } };
}

function parametersOf(
  route: HttpDescription,
  place: 'path' | 'query' | 'header',
  schemas: Schemas,
): JsonObject[] {
  const schema = { path: route.params, query: route.query, header: route.headers }[place];
  const described = schema ? toSchema(place, schema, schemas) : {};
  const properties = (described.properties ?? {}) as Record<string, JsonObject>;
  const required = (described.required ?? []) as string[];
  const names =
    place === 'path'
      ? [...documentedPath(route).matchAll(/:(\w+)/g)].map((match) => match[1] as string)
      : Object.keys(properties);
  return names.map((name) => {
    const { description, ...rest } = properties[name] ?? { type: 'string' };
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/** Of the limit of which the least is left; the same as `X-RateLimit-*`. Not sent where nothing is limited. */
const RATE_HEADERS = {
  limit: { description: 'Requests in a minute.', schema: { type: 'integer' } },
  remaining: { description: 'How many of them are left.', schema: { type: 'integer' } },
  reset: { description: 'Seconds until the minute is over.', schema: { type: 'integer' } },
};

function answerOf(route: HttpDescription, schemas: Schemas): JsonObject {
  const headers = {
    'X-Request-Id': { description: 'Names this request in our logs.', schema: { type: 'string' } },
    'RateLimit-Limit': RATE_HEADERS.limit,
    'RateLimit-Remaining': RATE_HEADERS.remaining,
    'RateLimit-Reset': RATE_HEADERS.reset,
  };
  const content =
    typeof route.response === 'string'
      ? { [route.response]: { schema: route.response === 'application/json' ? {} : { type: 'string' } } }
      : { 'application/json': { schema: toSchema('response', route.response, schemas) } };
  return { description: 'Done.', headers, content };
}

function errorsOf(route: HttpDescription, schemas: Schemas): Record<string, JsonObject> {
  const common = commonErrors(route);
  const body = route.errorBody ? toSchema('response', route.errorBody, schemas) : REST_ERROR;
  const answers: Record<string, JsonObject> = {};
  const ofStatuses = COMMON_STATUSES.flatMap(([, codes]) => codes);
  const own = route.errors.filter((code) => !common.includes(code) && !ofStatuses.includes(code));
  for (const [status, codes, description] of COMMON_STATUSES) {
    const listed = codes.filter((code) => common.includes(code) || route.errors.includes(code));
    // A status that is listed hides 4XX, so it has the route's own codes as well.
    if (listed.length > 0) answers[status] = errorAnswer(body, [...listed, ...own], description);
  }
  if (own.length > 0) answers['4XX'] = errorAnswer(body, own, 'Refused; the code says why.');
  return answers;
}

/** An error body, with the codes it may have. */
function errorAnswer(body: JsonObject, codes: readonly ErrorCodeName[], description: string): JsonObject {
  const narrowed = { properties: { error: { properties: { code: { enum: codes } } } } };
  return {
    description: `${description} Codes: ${codes.map((code) => `\`${code}\``).join(', ')}.`,
    content: {
      'application/json': { schema: { allOf: [body, narrowed] } },
    },
  };
}

const REST_ERROR: JsonObject = { $ref: '#/components/schemas/Error' };

const ERROR_SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string', description: 'Stable; decide by it.' },
        message: { type: 'string', description: 'For people; may change.' },
        details: { type: 'object', description: 'Facts beside the message.' },
        requestId: { type: 'string', description: 'The same as in X-Request-Id.' },
      },
      required: ['code', 'message', 'requestId'],
    },
  },
  required: ['error'],
};

/** A zod schema as JSON Schema 2020-12, its definitions moved to the components. */
function toSchema(part: string, schema: z.ZodType, schemas: Schemas): JsonObject {
  const io = part === 'response' ? 'output' : 'input';
  const { $schema: _, $defs = {}, ...rest } = z.toJSONSchema(schema, { io });
  const names = new Map<string, string>();
  for (const [name, definition] of Object.entries($defs))
    names.set(`#/$defs/${name}`, nameOf(name, definition));
  for (const [name, definition] of Object.entries($defs)) {
    addSchema(names.get(`#/$defs/${name}`) as string, moveReferences(definition, names), schemas);
  }
  // A schema that has an id itself is no definition of its own document.
  const { id, ...moved } = moveReferences(rest, names);
  if (typeof id !== 'string' || part === 'path' || part === 'query' || part === 'header') return moved;
  addSchema(id, moved, schemas);
  return { $ref: `#/components/schemas/${id}` };
}

/** The name of a definition: its id, or one made of its content, so that it is the same wherever it appears. */
function nameOf(name: string, definition: unknown): string {
  if (!name.startsWith('__')) return name;
  const content = JSON.stringify(definition).replaceAll(`"#/$defs/${name}"`, '"self"');
  return `Schema-${createHash('sha256').update(content).digest('hex').slice(0, 8)}`;
}

function addSchema(name: string, definition: JsonObject, schemas: Schemas): void {
  const { id: _, ...schema } = definition;
  const known = schemas.get(name);
  if (known && !isDeepStrictEqual(known, schema)) throw new InvariantError(`two schemas are called ${name}`);
  schemas.set(name, schema);
}

function moveReferences(value: unknown, names: ReadonlyMap<string, string>): JsonObject {
  const moved: unknown = JSON.parse(JSON.stringify(value), (key, part: unknown) =>
    key === '$ref' && typeof part === 'string' && names.has(part)
      ? `#/components/schemas/${names.get(part)}`
      : part,
  );
  return moved as JsonObject;
}
