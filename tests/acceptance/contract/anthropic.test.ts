import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createWorld, type World } from '../../support/world.ts';
import { ANTHROPIC_CASES } from './anthropic-cases.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const cases = Object.entries(ANTHROPIC_CASES).map(([operation, each]) => ({ operation, ...each }));

describe.each(cases)('$operation', ({ method, valid, refused, status, code }) => {
  it('gives callers without the right an error in the form of Anthropic and nothing else', async () => {
    for (const [token, expected, type] of [
      [undefined, 401, 'authentication_error'],
      ['ygu_wrong', 401, 'authentication_error'],
      [world.alice.device.token, 403, 'permission_error'],
    ] as const) {
      const answer = await server.request(method, valid.path, { body: valid.body, token });
      expect(answer.status).toBe(expected);
      expect(answer.body).toEqual({
        type: 'error',
        error: { type, message: expect.any(String), code: expect.any(String) },
      });
    }
  });

  it(`answers ${code} to a request that can not be served`, async () => {
    const answer = await server.request(refused.method ?? method, refused.path, {
      body: refused.body,
      token: world.alice.token,
    });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ type: 'error', error: { code } });
  });
});

describe('the endpoint of Anthropic', () => {
  it.each([
    ['the path has no such method', 'DELETE', '/v1/messages', 405, 'method_not_allowed'],
    ['nothing is at the path', 'POST', '/v1/messages/batches', 404, 'not_found'],
  ])('has its own form of errors before any operation when %s', async (_, method, path, status, code) => {
    const answer = await server.request(method, path);
    expect([answer.status, answer.body]).toMatchObject([status, { type: 'error', error: { code } }]);
  });

  it('takes the key in x-api-key, as the official client sends it, and no other than a valid one', async () => {
    const ask = (apiKey: string) =>
      new Anthropic({ apiKey, baseURL: server.httpUrl, maxRetries: 0 }).messages.countTokens({
        model: 'any',
        messages: [{ role: 'user', content: 'Say hello.' }],
      });
    expect(await ask(world.alice.token)).toEqual({ input_tokens: 10 });
    await expect(ask('ygu_wrong')).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    await expect(ask(world.alice.device.token)).rejects.toBeInstanceOf(Anthropic.PermissionDeniedError);
  });
});
