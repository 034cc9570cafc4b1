import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createWorld, type World } from '../../support/world.ts';
import { CONNECTION_CASES } from './connection-cases.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const cases = Object.entries(CONNECTION_CASES).map(([operation, rest]) => ({ operation, ...rest }));

describe.each(cases)('$operation', ({ unauthorized, refused }) => {
  it('is refused to a device without the right', async () => {
    for (const [attempt, outcome] of unauthorized) expect(await attempt(world)).toBe(outcome);
  });

  it('is refused when something wrong is asked for', async () => {
    const [attempt, outcome] = refused;
    expect(await attempt(world)).toBe(outcome);
  });
});

describe('the pipeline', () => {
  it('has every operation of the catalogue, and no other', () => {
    const { rest, openai, anthropic, devices } = server.catalogue;
    const named = [...rest, ...openai, ...anthropic, ...devices].map(({ operation }) => operation);
    expect(server.served.map(({ operation }) => operation).sort()).toEqual(named.sort());
  });

  it('writes one line in the audit for a device that connects', async () => {
    const lines = server.logs.filter(
      ({ message, fields }) => message === 'audit' && fields.operation === 'frames.connections.open',
    );
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.map(({ fields }) => fields.principal)).toContain(`device:${world.alice.device.deviceId}`);
  });
});
