import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AppError, InvariantError } from '../../../server/kernel/errors.ts';
import type { Access } from '../../../server/kernel/operation.ts';
import { defineRoute } from '../../../server/transports/rest/define-route.ts';
import type { Json } from '../../../server/transports/rest/json-response.ts';
import { createRestTransport } from '../../../server/transports/rest/transport.ts';
import { createTestConnections } from '../../support/connections.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import { NO_ROOM, PLENTY } from '../../support/storage-room.ts';
import { STILL_CLOCK, serving } from './rest-under-test.ts';

const echo = (access: Access = 'public') =>
  defineRoute({
    operation: 'things.create',
    method: 'POST',
    path: '/api/v1/things/:thingId',
    access,
    cost: 100,
    audit: 'none',
    summary: 'Echoes.',
    params: z.strictObject({ thingId: z.uuid() }),
    query: z.strictObject({ limit: z.coerce.number().int().max(10).default(5) }),
    body: z.strictObject({ name: z.string().min(1), inner: z.strictObject({ a: z.number() }).optional() }),
    response: z.object({ name: z.string(), limit: z.number(), who: z.string().nullable() }),
    status: 201,
    errors: ['conflict'],
    handle: async ({ actor, body, query }) => {
      if (body.name === 'taken')
        throw new AppError('conflict', 'conflict', 'Taken.', { details: { name: 'taken' } });
      if (body.name === 'undocumented') throw new AppError('not_found', 'device_not_found', 'No.');
      if (body.name === 'broken') throw new TypeError('secret detail');
      return { name: body.name, limit: query.limit, who: actor === null ? null : actor.kind };
    },
  });

const FINE = { params: { thingId: '7f9c24e8-3b12-4fef-91e0-4a3ad1e0c8aa' }, body: '{"name":"a"}' };

const codeOf = (answer: { json: unknown }) => (answer.json as { error: { code: string } }).error.code;

describe('a request', () => {
  test('that is as described gets the value of its handler', async () => {
    const answer = await serving(echo()).ask({ ...FINE, query: 'limit=7' });
    expect([answer.status, answer.json]).toEqual([201, { name: 'a', limit: 7, who: null }]);
    expect(answer.headers).toEqual({ 'content-type': 'application/json' });
  });

  test.each([
    ['public', undefined, 201],
    ['public', 'ygu_nobody', 201],
    ['devices.read', undefined, 401],
    ['devices.read', 'ygu_nobody', 401],
    ['devices.read', 'ygd_device', 403],
    ['devices.read', 'ygu_user', 201],
    ['platform.operate', undefined, 401],
    ['platform.operate', 'ygd_device', 403],
    ['platform.operate', 'ygu_user', 403],
    ['platform.operate', 'ygu_admin', 201],
    ['market.read', undefined, 401],
    ['market.read', 'ygd_device', 201],
    ['market.read', 'ygu_user', 201],
  ] as const)('to a route for %s with the token %s gets %i', async (access, token, status) => {
    const answer = await serving(echo(access)).ask({ ...FINE, ...(token ? { token } : {}) });
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer' });
  });

  test('is authenticated before anything else of it is looked at, and authorized before it is validated', async () => {
    const broken = { params: { thingId: 'x' }, query: 'limit=x', body: '{', contentType: 'text/plain' };
    const { ask } = serving(echo('platform.operate'));
    expect(codeOf(await ask(broken))).toBe('unauthenticated');
    expect(codeOf(await ask({ ...broken, token: 'ygu_user' }))).toBe('forbidden');
    expect(codeOf(await ask({ ...broken, token: 'ygu_admin' }))).toBe('invalid_input');
  });

  test.each([
    ['a wrong param', { params: { thingId: 'x' } }, 'invalid_input', ['params.thingId']],
    ['a wrong query', { query: 'limit=11' }, 'invalid_input', ['query.limit']],
    ['an unknown query', { query: 'limit=1&x=1&__proto__=1' }, 'invalid_input', ['query']],
    ['a query given twice', { query: 'limit=1&limit=2' }, 'invalid_input', ['query.limit']],
    ['an unknown key', { body: '{"name":"a","x":1}' }, 'invalid_input', ['body']],
    ['the key __proto__', { body: '{"name":"a","__proto__":{}}' }, 'invalid_input', ['body']],
    ['an unknown inner key', { body: '{"name":"a","inner":{"a":1,"b":2}}' }, 'invalid_input', ['body.inner']],
    [
      'several problems',
      { body: '{"name":1,"inner":{"a":"b"}}' },
      'invalid_input',
      ['body.name', 'body.inner.a'],
    ],
    ['half of a character', { body: '{"name":"x\\ud83d"}' }, 'invalid_input', ['body.name']],
    ['no object', { body: 'null' }, 'invalid_input', ['body']],
    ['no JSON', { body: '{"name":' }, 'malformed_json', null],
    ['no body', { body: '' }, 'malformed_json', null],
    ['bytes that are not UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]) }, 'malformed_json', null],
    ['very deep JSON', { body: '['.repeat(500_000) }, 'malformed_json', null],
    ['another media type', { contentType: 'text/plain' }, 'unsupported_media_type', null],
    ['a form', { contentType: 'application/x-www-form-urlencoded' }, 'unsupported_media_type', null],
  ])('with %s is refused', async (_what, changes, code, paths) => {
    const answer = await serving(echo()).ask({ ...FINE, ...changes });
    expect(answer.status).toBe(code === 'unsupported_media_type' ? 415 : 400);
    const { error } = answer.json as {
      error: { code: string; requestId: string; details?: { problems: { path: string }[] } };
    };
    expect([error.code, error.requestId]).toEqual([code, 'request-1']);
    expect(error.details?.problems.map((problem) => problem.path) ?? null).toEqual(paths);
  });

  test('is JSON also with a charset, in any case', async () => {
    const answer = await serving(echo()).ask({ ...FINE, contentType: 'Application/JSON; charset=utf-8' });
    expect(answer.status).toBe(201);
  });

  test('is refused while the disk is full, unless it reads', async () => {
    const full = { room: NO_ROOM };
    const answer = await serving({ ...echo(), audit: 'change' }, full).ask(FINE);
    expect([answer.status, codeOf(answer)]).toEqual([503, 'storage_full']);
    const reading = serving({ ...echo(), audit: 'access' }, full);
    expect((await reading.ask(FINE)).status).toBe(201);
  });

  test('whose handler refuses gets code, message and details', async () => {
    const answer = await serving(echo()).ask({ ...FINE, body: '{"name":"taken"}' });
    expect([answer.status, answer.json]).toEqual([
      409,
      { error: { code: 'conflict', message: 'Taken.', details: { name: 'taken' }, requestId: 'request-1' } },
    ]);
  });

  test('that meets a bug gets 500 without a word about it; the log has the stack', async () => {
    const { ask, lines } = serving(echo());
    const answer = await ask({ ...FINE, body: '{"name":"broken"}' });
    expect([answer.status, codeOf(answer)]).toEqual([500, 'internal']);
    expect(String(answer.body)).not.toContain('secret');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields.error).toMatchObject({ name: 'TypeError', message: 'secret detail' });
  });
});

describe('a log line', () => {
  test('names operation, status, duration and who, and nothing they sent', async () => {
    const { ask, lines, observed } = serving(echo('market.read'));
    await ask({ ...FINE, token: 'ygd_device', query: 'limit=3' });
    await ask({ ...FINE, token: 'ygu_nobody' });
    expect(lines.map(({ level, fields }) => ({ level, ...fields }))).toEqual([
      {
        level: 'info',
        operation: 'things.create',
        status: 201,
        durationMs: 0,
        tenantId: '00000000-0000-4000-8000-000000000001',
        requestId: 'request-1',
        remoteAddress: '127.0.0.1',
        deviceId: '00000000-0000-4000-8000-000000000003',
      },
      {
        level: 'warn',
        operation: 'things.create',
        status: 401,
        durationMs: 0,
        requestId: 'request-1',
        remoteAddress: '127.0.0.1',
        code: 'unauthenticated',
      },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/ygd_|ygu_|limit/);
    expect(observed).toEqual([
      { operation: 'things.create', status: 201, durationMs: 0 },
      { operation: 'things.create', status: 401, durationMs: 0 },
    ]);
  });
});

describe('checked answers', () => {
  test('an error code that the route doesn’t list is our bug', async () => {
    const { ask, lines } = serving(echo());
    expect((await ask({ ...FINE, body: '{"name":"undocumented"}' })).status).toBe(500);
    expect(String(lines[0]?.fields.error)).toContain("things.create doesn't list device_not_found");
    const relaxed = serving(echo(), { checkAnswers: false });
    expect((await relaxed.ask({ ...FINE, body: '{"name":"undocumented"}' })).status).toBe(404);
  });

  test('an answer with more than its schema says is our bug', async () => {
    const leaking = defineRoute({
      operation: 'things.get',
      method: 'GET',
      path: '/things',
      access: 'public',
      cost: 100,
      audit: 'none',
      summary: 'Leaks.',
      response: z.object({ name: z.string() }),
      status: 200,
      errors: [],
      handle: async () => {
        const value = { name: 'a', token: 'secret' };
        return value;
      },
    });
    const { ask, lines } = serving(leaking);
    expect((await ask({ contentType: '' })).status).toBe(500);
    expect(String(lines[0]?.fields.error)).toContain('answers more than it says');
  });
});

test('two routes of one operation, and input that takes unknown keys, stop the server from being built', () => {
  const build = (...routes: ReturnType<typeof echo>[]) =>
    createRestTransport(routes, {
      pipeline: createTestPipeline(STILL_CLOCK),
      connections: createTestConnections().connections,
      identify: async () => null,
      room: PLENTY,
      logger: console,
      observe: () => undefined,
    });
  expect(() => build(echo(), echo())).toThrow(InvariantError);
  const loose = defineRoute({
    operation: 'things.loose',
    method: 'POST',
    path: '/things',
    access: 'public',
    cost: 100,
    audit: 'none',
    summary: 'Loose.',
    body: z.strictObject({ list: z.array(z.object({ a: z.string() })) }),
    response: z.object({}),
    status: 200,
    errors: [],
    handle: async () => ({}),
  });
  expect(() => build(loose)).toThrow('body takes unknown keys');
});

test('money and dates don’t get into JSON unconverted', () => {
  const base = {
    operation: 'a.b',
    method: 'GET',
    path: '/',
    access: 'public',
    cost: 100,
    audit: 'none',
    summary: '',
    status: 200,
  } as const;
  // @ts-expect-error a bigint is no JSON
  const bigint: z.ZodType<Json> = z.object({ a: z.bigint() });
  // @ts-expect-error a Date is no JSON
  const date: z.ZodType<Json> = z.object({ a: z.date() });
  // @ts-expect-error the handler gives what the schema doesn't describe
  defineRoute({ ...base, errors: [], response: z.object({ a: z.string() }), handle: async () => ({ a: 1 }) });
  defineRoute({
    ...base,
    access: 'devices.read',
    errors: [],
    response: z.object({ a: z.string() }),
    // @ts-expect-error an actor with this permission is an account, which has no deviceId
    handle: async ({ actor }) => ({ a: actor.deviceId }),
  });
  expect([bigint, date]).toHaveLength(2);
});
