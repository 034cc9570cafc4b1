import { afterAll, beforeAll, expect, it } from 'vitest';
import { findServers } from '../../device/node/find-servers.ts';
import { avahiBrowse } from '../support/avahi.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { runCommand } from '../support/server-process.ts';
import { createWorld } from '../support/world.ts';

let server: TestServer;
let port: string;

beforeAll(async () => {
  server = await startTestServer({
    YGGDRASIL_ROLE: 'asgard',
    YGGDRASIL_HOST: '0.0.0.0',
    YGGDRASIL_TLS: 'none',
  });
  ({ port } = new URL(server.httpUrl));
  await createWorld(server);
});
afterAll(() => server.stop());

it('of a home server is found by the program', async () => {
  const { code, stdout } = await runCommand('discover', { arguments: ['--json'] });
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; url: string });
  const found = lines.find(({ name }) => name.endsWith(`port ${port}`));
  const answer = await fetch(`${found?.url}/api/v1/server`);
  expect(answer.status).toBe(200);
});

it('is seen by Avahi, and says nothing of users, networks and devices', async () => {
  const mqttPort = new URL(server.mqttUrl).port;
  const records = (await avahiBrowse('_yggdrasil._tcp')).filter((fields) => fields[8] === port);
  expect(records.length).toBeGreaterThan(0);
  for (const fields of records) {
    expect(fields[3]).toMatch(/^Yggdrasil on \S+, port \d+$/);
    expect(new Set(fields[9]?.split(' '))).toEqual(
      new Set(['"v=1"', '"tls=0"', `"mqtt=${mqttPort}"`, '"mqtts=0"']),
    );
  }
}, 300_000);

it('of another server is not there unless it is asked for', async () => {
  const other = await startTestServer();
  const { port: otherPort } = new URL(other.httpUrl);
  const names = (await findServers(1_000)).map(({ name }) => name);
  await other.stop();
  expect(names.some((name) => name.endsWith(`port ${otherPort}`))).toBe(false);
});
