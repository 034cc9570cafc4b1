import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createWorld, type World } from '../../support/world.ts';
import { OPENAI_CASES } from './openai-cases.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const cases = Object.entries(OPENAI_CASES).map(([operation, openAiCase]) => ({ operation, ...openAiCase }));

describe.each(cases)('$operation', ({ method, valid, refused, status, code }) => {
  it('gives callers without the right an error in the form of OpenAI and nothing else', async () => {
    for (const [token, expected] of [
      [undefined, 401],
      ['ygu_wrong', 401],
      [world.alice.device.token, 403],
    ] as const) {
      const answer = await server.request(method, valid.path, { body: valid.body, token });
      expect(answer.status).toBe(expected);
      expect(Object.keys(answer.body)).toEqual(['error']);
      expect(Object.keys(answer.body.error as object).sort()).toEqual(['code', 'message', 'param', 'type']);
    }
  });

  it(`answers ${code} to a request that can not be served`, async () => {
    const answer = await server.request(refused.method ?? method, refused.path, {
      body: refused.body,
      token: world.alice.token,
    });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: { code } });
  });
});

describe('an error under /v1 before any operation', () => {
  it.each([
    ['nothing is at the path', 'POST', '/v1/nothing', 404, 'not_found'],
    ['nothing is at the root', 'GET', '/v1', 404, 'not_found'],
    ['the path has no such method', 'DELETE', '/v1/models', 405, 'method_not_allowed'],
    ['the path is not percent-encoded', 'GET', '/v1/models/%ff', 400, 'invalid_input'],
  ])('has the form of OpenAI when %s', async (_, method, path, status, code) => {
    const answer = await server.request(method, path);
    expect([answer.status, answer.body]).toEqual([
      status,
      { error: { message: expect.any(String), type: 'invalid_request_error', param: null, code } },
    ]);
  });

  it('has the form of OpenAI when the body is too large, for senders who are known; others get 401', async () => {
    const send = async (token?: string) => {
      const text = 'x'.repeat(9_000_000);
      const { status, body } = await server.request('POST', '/v1/chat/completions', { text, token });
      return [status, body];
    };
    const error = { message: expect.any(String), param: null };
    expect(await send(world.alice.token)).toEqual([
      413,
      { error: { ...error, type: 'invalid_request_error', code: 'too_large' } },
    ]);
    expect(await send()).toEqual([
      401,
      { error: { ...error, type: 'authentication_error', code: 'unauthenticated' } },
    ]);
  });

  it('has the form of REST elsewhere, also where a path only begins alike', async () => {
    const answer = await server.request('GET', '/v1beta/models');
    expect([answer.status, answer.body]).toMatchObject([404, { error: { requestId: expect.any(String) } }]);
  });
});
