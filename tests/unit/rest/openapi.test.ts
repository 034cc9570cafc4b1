import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineRawRoute, defineRoute } from '../../../server/transports/rest/define-route.ts';
import { createDocumentationRoutes } from '../../../server/transports/rest/documentation-routes.ts';
import { buildOpenApiDocument } from '../../../server/transports/rest/openapi.ts';
import { problemsOfOpenApi } from './openapi-rules.ts';

const thing = z.object({ id: z.uuid(), free: z.record(z.string(), z.json()) }).meta({ id: 'Thing' });

const routes = [
  defineRoute({
    operation: 'things.get',
    method: 'GET',
    path: '/api/v1/things/:thingId',
    access: 'devices.read',
    cost: 100,
    audit: 'none',
    summary: 'A thing.',
    params: z.strictObject({ thingId: z.uuid().describe('Which.') }),
    response: thing,
    status: 200,
    errors: ['device_not_found'],
    handle: async ({ params }) => ({ id: params.thingId, free: {} }),
  }),
  defineRoute({
    operation: 'things.list',
    method: 'GET',
    path: '/api/v1/things',
    access: 'market.read',
    cost: 100,
    audit: 'none',
    summary: 'Things.',
    query: z.strictObject({ limit: z.coerce.number().int().default(5), after: z.uuid().optional() }),
    response: z.object({ items: z.array(thing), next: z.uuid().nullable() }),
    status: 200,
    errors: [],
    handle: async () => ({ items: [], next: null }),
  }),
  defineRoute({
    operation: 'things.create',
    method: 'POST',
    path: '/api/v1/things',
    access: 'platform.operate',
    cost: 200,
    audit: 'change',
    summary: 'Makes a thing.',
    headers: z.object({ 'X-Key': z.string().optional().describe('Once.') }),
    body: z.strictObject({ name: z.string(), kind: z.enum(['a', 'b']).default('a') }),
    response: thing,
    status: 201,
    errors: ['conflict'],
    handle: async () => ({ id: '', free: {} }),
  }),
  defineRawRoute({
    operation: 'things.watch',
    method: 'GET',
    path: '/api/v1/watch',
    access: 'public',
    cost: 100,
    audit: 'none',
    summary: 'Streams.',
    response: 'text/event-stream',
    status: 200,
    errors: [],
    handle: async () => ({ status: 200 }),
  }),
];

const INFO = { title: 'Test', version: '1.2.3', description: 'For a test.' };

test('headers that mean something are parameters', () => {
  const { paths } = buildOpenApiDocument(routes, INFO) as {
    paths: Record<string, Record<string, { parameters: unknown }>>;
  };
  expect(paths['/api/v1/things']?.post?.parameters).toEqual([
    { name: 'X-Key', in: 'header', required: false, description: 'Once.', schema: { type: 'string' } },
    expect.objectContaining({ name: 'X-Tenant-Id', in: 'header', required: false }),
  ]);
  expect(paths['/api/v1/watch']?.get?.parameters).toBeUndefined();
});

interface Described {
  readonly paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
  readonly components: { schemas: Record<string, unknown> };
}

test('the document follows the rules of OpenAPI 3.1', async () => {
  expect(await problemsOfOpenApi(buildOpenApiDocument(routes, INFO))).toEqual([]);
});

test('a document that breaks the rules is found out', async () => {
  const document = structuredClone(buildOpenApiDocument(routes, INFO)) as {
    paths: Record<string, Record<string, { parameters: unknown[]; responses: Record<string, unknown> }>>;
  };
  const operation = document.paths['/api/v1/things/{thingId}']?.get;
  if (operation === undefined) throw new Error('the route is gone');
  operation.parameters = [];
  operation.responses['200'] = {
    description: 'Wrong.',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Missing' } } },
  };
  expect((await problemsOfOpenApi(document)).join('\n')).toMatch(
    /Can't resolve \$ref[\s\S]*does not define the path parameter `\{thingId\}`/,
  );
});

test('every operation lists its answers, and every code it may answer with', () => {
  const { paths } = buildOpenApiDocument(routes, INFO) as unknown as Described;
  const answers = paths['/api/v1/things']?.post?.responses ?? {};
  expect(Object.keys(answers).sort()).toEqual([
    '201',
    '400',
    '401',
    '403',
    '404',
    '413',
    '415',
    '429',
    '4XX',
    '500',
    '503',
  ]);
  expect(answers['4XX']?.description).toContain('`conflict`');
  const watched = paths['/api/v1/watch']?.get as unknown as { security: unknown[] };
  expect(watched.security).toEqual([]);
});

test('an answer has every code that its operation may answer with, also where its status is listed for others', () => {
  const { paths } = buildOpenApiDocument(routes, INFO) as unknown as Described;
  const codesOf = (path: string, method: 'get' | 'post', status: string): string[] => {
    const text = JSON.stringify(paths[path]?.[method]?.responses[status]);
    return JSON.parse(/"enum":(\[[^\]]*\])/.exec(text)?.[1] ?? '[]');
  };
  expect(codesOf('/api/v1/things/{thingId}', 'get', '404')).toEqual(['tenant_not_found', 'device_not_found']);
  for (const code of ['account_deletion_pending', 'api_key_scope', 'csrf_refused', 'tenant_suspended']) {
    expect(codesOf('/api/v1/things', 'post', '403')).toContain(code);
  }
  expect(codesOf('/api/v1/things', 'post', '503')).toContain('storage_full');
});

test('a schema with an id becomes one component, however often it is used', () => {
  const document = buildOpenApiDocument(routes, INFO);
  const { components } = document as unknown as Described;
  expect(Object.keys(components.schemas).sort()).toEqual([
    'Error',
    expect.stringMatching(/^Schema-[0-9a-f]{8}$/),
    'Thing',
  ]);
  expect(JSON.stringify(document)).not.toContain('$defs');
});

test('two schemas of one id are refused', () => {
  const other = defineRoute({
    operation: 'others.get',
    method: 'GET',
    path: '/others',
    access: 'public',
    cost: 100,
    audit: 'none',
    summary: 'Another.',
    response: z.object({ different: z.string() }).meta({ id: 'Error' }),
    status: 200,
    errors: [],
    handle: async () => ({ different: '' }),
  });
  expect(() => buildOpenApiDocument([...routes, other], INFO)).toThrow('two schemas are called Error');
});

test('the documentation describes itself', async () => {
  const own = createDocumentationRoutes(routes, [], INFO);
  const openapi = own.find((route) => route.operation === 'documentation.openapi');
  const answer = await openapi?.answer(null, {} as never);
  const document = JSON.parse(String(answer?.body)) as Described;
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/docs', '/openapi.json', '/docs/{asset}']),
  );
  expect(await problemsOfOpenApi(document)).toEqual([]);
});

test('every operation says what the pipeline does with it, those that HTTP does not reach too', () => {
  const frame = {
    operation: 'things.send',
    access: 'frames.send',
    cost: 1,
    audit: 'none',
    summary: 'Sends.',
    errors: ['conflict'],
  } as const;
  const document = buildOpenApiDocument(routes, INFO, [frame]) as {
    paths: Record<string, Record<string, unknown>>;
    'x-operations': unknown;
  };
  expect(document.paths['/api/v1/things']?.post).toMatchObject({
    'x-permission': 'platform.operate',
    'x-limit-cost': 200,
    'x-audit': 'change',
  });
  expect(document.paths['/api/v1/watch']?.get).toMatchObject({ 'x-permission': null });
  expect(document['x-operations']).toEqual([
    {
      operationId: 'things.send',
      summary: 'Sends.',
      'x-permission': 'frames.send',
      'x-limit-cost': 1,
      'x-needs-proof': false,
      'x-audit': 'none',
      errors: ['conflict'],
    },
  ]);
});
