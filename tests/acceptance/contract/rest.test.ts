import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holderKind } from '../../../server/kernel/permission.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type World } from '../../support/world.ts';
import { REST_CASES } from './rest-cases.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const cases = Object.entries(REST_CASES).map(([operation, restCase]) => ({ operation, ...restCase }));

/** The route of an operation, as the running server has it. */
function routeOf(operation: string) {
  const route = server.catalogue.rest.find((candidate) => candidate.operation === operation);
  if (route === undefined) throw new Error(`no route for ${operation}`);
  return route;
}

it('an operation that takes no body takes one that says nothing, as many clients send it', async () => {
  const { token, network } = world.alice;
  const { deviceId } = await createDevice(server, token, network.id, 'Sends nothing');
  const rotate = async (text: string, type: string) => {
    const asked = { text, token, headers: { 'content-type': type } };
    return (await server.request('POST', `/api/v1/devices/${deviceId}/token`, asked)).status;
  };
  const json = 'application/json';
  expect(await rotate('{}', json)).toBe(201);
  expect(await rotate(' {\n}\n', 'application/x-www-form-urlencoded')).toBe(201);
  expect(await rotate('', json)).toBe(201);
  expect(await rotate(`{${' '.repeat(2_000)}}`, json)).toBe(413);
});

const tokenFor = (access: string) => (access === 'platform.operate' ? world.adminToken : world.alice.token);

describe.each(cases)('$operation', ({ operation, valid, refused, status, code }) => {
  it('gives callers without the right an error and nothing else', async () => {
    const { method, access } = routeOf(operation);
    if (access === 'public') return;
    const { path, body, headers } = valid(world);
    const ask = async (token: string | undefined) => {
      const answer = await server.request(method, path, { body, headers, token });
      expect(Object.keys(answer.body)).toEqual(['error']);
      return [answer.status, (answer.body as { error: { code: string } }).error.code];
    };
    expect(await ask(undefined)).toEqual([401, 'unauthenticated']);
    expect(await ask('ygu_wrong')).toEqual([401, 'unauthenticated']);
    expect(await ask('ygd_wrong')).toEqual([401, 'unauthenticated']);
    if (holderKind(access) === 'account') {
      expect(await ask(world.alice.device.token)).toEqual([403, 'forbidden']);
    }
    if (access === 'platform.operate') expect(await ask(world.alice.token)).toEqual([403, 'forbidden']);
  });

  it(`answers ${code} to a request that is wrong`, async () => {
    const { method, access } = routeOf(operation);
    const { path, body, headers, method: asked = method } = refused(world);
    const token = access === 'public' ? undefined : tokenFor(access);
    const answer = await server.request(asked, path, { body, headers, token });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: { code, requestId: answer.headers.get('x-request-id') } });
  });

  it('refuses a body that is not JSON, or not of this shape', async () => {
    const { method, access, body: schema, response } = routeOf(operation);
    const { path, body, headers } = valid(world);
    if (schema === null && method !== 'GET' && typeof response !== 'string') {
      const token = access === 'public' ? undefined : tokenFor(access);
      const answer = await server.request(method, path, { body: { surprise: 1 }, headers, token });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_input' } } });
    }
    if (body === undefined) return;
    const token = access === 'public' ? undefined : tokenFor(access);
    const send = (text: string, contentType = 'application/json') =>
      server.request(method, path, {
        text,
        token,
        headers: { ...headers, 'content-type': contentType },
      });
    expect(await send('{"a":')).toMatchObject({ status: 400, body: { error: { code: 'malformed_json' } } });
    expect(await send('[]')).toMatchObject({ status: 400, body: { error: { code: 'invalid_input' } } });
    expect(await send(JSON.stringify({ ...(body as object), surprise: 1 }))).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_input' } },
    });
    expect(await send('a=1', 'application/x-www-form-urlencoded')).toMatchObject({ status: 415 });
    expect(await send(' '.repeat(2_000_000))).toMatchObject({
      status: 413,
      body: { error: { code: 'too_large' } },
    });
  });
});
