import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rotateSecrets, verifyAuditLogs } from '../../server/app/index.ts';
import { readConfig } from '../../server/config/index.ts';
import { connect } from '../../server/platform/database/connect.ts';
import { createSecretBox } from '../../server/platform/secrets/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { silentLogger } from '../support/logger.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const process = { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger };

let server: TestServer;
let environment: Record<string, string>;
let token: string;
let networkId: string;

beforeAll(async () => {
  server = await startTestServer();
  environment = { YGGDRASIL_DATA_DIR: server.dataDirectory, DATABASE_URL: server.databaseUrl };
  const setUp = { code: server.setupCode, name: 'Operator' };
  ({ token } = await server.post<{ token: string }>('/api/v1/setup', setUp));
  ({ id: networkId } = await server.post<{ id: string }>('/api/v1/networks', { name: 'Home' }, token));
});
afterAll(() => server?.stop());

interface Registered {
  readonly device: { readonly id: string };
  readonly credentials: { readonly token: string };
}

const register = (at: TestServer, name: string) =>
  at.post<Registered>('/api/v1/devices', { name, networkId, worldType: 'jotunheim' }, token);

/** What a device is answered whose token is known and whose signing key opens. */
const KNOWN = '403 forbidden';
const answerTo = async (at: TestServer, device: Registered) => {
  const { status, body } = await at.request('GET', '/api/v1/users/me', { token: device.credentials.token });
  return `${status} ${(body.error as { code: string }).code}`;
};

/** The device's key as servers before 0.5.0 have sealed it. */
async function sealAsBefore({ device }: Registered): Promise<void> {
  const { masterKey } = JSON.parse(await readFile(join(server.dataDirectory, 'secrets.json'), 'utf8')) as {
    masterKey: string;
  };
  const owner = connect(server.databaseUrl, { connectionsMax: 1 });
  try {
    await owner`ALTER TABLE devices NO FORCE ROW LEVEL SECURITY`;
    const [row] = await owner<{ tenant_id: string }[]>`SELECT tenant_id FROM devices WHERE id = ${device.id}`;
    const sealed = createSecretBox(Buffer.from(masterKey, 'base64url')).seal(
      new Uint8Array(32).fill(7),
      `devices|signing_key|${row?.tenant_id}|${device.id}`,
    );
    await owner`UPDATE devices SET signing_key_sealed = ${sealed} WHERE id = ${device.id}`;
    await owner`ALTER TABLE devices FORCE ROW LEVEL SECURITY`;
  } finally {
    await owner.end();
  }
}

it('the master key is rotated while the server runs, and the server that starts next has all devices', async () => {
  const path = join(server.dataDirectory, 'secrets.json');
  const [old, lamp] = [await register(server, 'Old'), await register(server, 'Lamp')];
  await sealAsBefore(old);
  const before = await readFile(path, 'utf8');
  const rotation = await rotateSecrets(readConfig(environment), process);
  expect([rotation.resealed, rotation.unreadable]).toEqual([1, 0]);
  expect(JSON.parse(await readFile(path, 'utf8')).databaseSecret).toBe(JSON.parse(before).databaseSecret);

  const switchOf = await register(server, 'Switch');
  for (const device of [old, lamp, switchOf]) expect(await answerTo(server, device)).toBe(KNOWN);
  const { items } = await server.get<{ items: { operation: string }[] }>(
    '/api/v1/admin/audit?limit=200',
    token,
  );
  expect(items.map(({ operation }) => operation)).toContain('commandLine.secrets.rotate');
  await server.stopApp();
  const report = await verifyAuditLogs(readConfig(environment), process, {
    tenantId: null,
    witnessFiles: new Map(),
  });
  expect(report.problems).toEqual([]);

  const next = await startTestServer(environment);
  try {
    for (const device of [old, lamp, switchOf]) expect(await answerTo(next, device)).toBe(KNOWN);
  } finally {
    await next.stopApp();
  }
  await writeFile(path, before);
  await expect(startTestServer(environment)).rejects.toThrow(/belongs to other secrets/);
});
