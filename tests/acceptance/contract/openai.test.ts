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
