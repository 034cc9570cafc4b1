import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBifrostClient, createWitness, systemClock } from '../../device/client/index.ts';
import { loadBuiltDeviceCore } from '../../device/node/device-core.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { createWitnessFiles } from '../../device/node/witness-files.ts';
import { verifyAuditLogs } from '../../server/app/index.ts';
import { readConfig } from '../../server/config/index.ts';
import { connect } from '../../server/platform/database/connect.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { silentLogger } from '../support/logger.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createHousehold, createWorld, type Household, type World } from '../support/world.ts';

let server: TestServer;
let world: World;
let folder: string;
let owner: ReturnType<typeof connect>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'yggdrasil-witness-'));
  server = await startTestServer();
  world = await createWorld(server);
  owner = connect(server.databaseUrl, { connectionsMax: 1 });
});
afterAll(async () => {
  await owner?.end();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
/** A witness of a household, with files of its own. */
function witnessOf({ device: { token } }: Household) {
  const path = join(folder, `heads-${++files}`);
  const alarm = () => {};
  return {
    path,
    ...createWitness(
      { url: server.httpUrl, token, store: createWitnessFiles(path), alarm },
      { clock: systemClock },
    ),
  };
}

const rename = (household: Household, name: string) =>
  server.request('PUT', `/api/v1/networks/${household.network.id}`, {
    token: household.token,
    body: { name },
    expect: 200,
  });

async function tenantOf(household: Household): Promise<string> {
  const { head } = await server.get<{ head: { tenantId: string } }>(
    '/api/v1/audit/heads/last',
    household.device.token,
  );
  return head.tenantId;
}

const verify = async (path: string) =>
  (
    await verifyAuditLogs(
      readConfig({ YGGDRASIL_DATA_DIR: server.dataDirectory, DATABASE_URL: server.databaseUrl }),
      { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger },
      { tenantId: null, witnessFiles: new Map([[path, readFileSync(path, 'utf8')]]) },
    )
  ).problems.map(({ what }) => what);

it('a device keeps each head once and countersigns it, which the tenant sees', async () => {
  const dora = await createHousehold(server, world.adminToken);
  const witness = witnessOf(dora);
  expect([await witness.look(), await witness.look()]).toEqual([true, false]);
  await rename(dora, 'Another');
  expect(await witness.look()).toBe(true);
  const lines = readFileSync(witness.path, 'utf8').trim().split('\n');
  expect(lines).toHaveLength(2);
  const { items } = await server.get<{
    items: { size: number; countersignatures: { principal: string }[] }[];
  }>('/api/v1/audit/heads', dora.token);
  for (const line of lines) {
    const head = items.find(({ size }) => size === JSON.parse(line).size);
    expect(head?.countersignatures.map(({ principal }) => principal)).toEqual([
      `device:${dora.device.deviceId}`,
    ]);
  }
  expect(await verify(witness.path)).toEqual([]);
});

it('a countersignature that is none is refused', async () => {
  const dora = await createHousehold(server, world.adminToken);
  await tenantOf(dora);
  const { items } = await server.get<{ items: { size: number }[] }>('/api/v1/audit/heads', dora.token);
  const { status } = await server.request('POST', `/api/v1/audit/heads/${items[0]?.size}/countersignatures`, {
    token: dora.device.token,
    body: { publicKey: '11'.repeat(32), signature: '11'.repeat(64) },
  });
  expect(status).toBe(400);
});

it('a client that connects is a witness by itself', async () => {
  const dora = await createHousehold(server, world.adminToken);
  const store = createWitnessFiles(join(folder, 'by-itself'));
  const kept = new Promise<string>((resolve) => {
    const add = async (line: string) => {
      await store.add(line);
      resolve(line);
    };
    const client = createBifrostClient(
      {
        url: `${server.webSocketUrl}/bifrost`,
        credentials: dora.device,
        witness: { store: { ...store, add }, alarm: () => {} },
      },
      { core: loadBuiltDeviceCore(), openSocket: openNodeSocket },
    );
    void client.connect();
    onEnd.push(() => client.close());
  });
  expect(JSON.parse(await kept)).toMatchObject({ tenantId: await tenantOf(dora) });
  for (const end of onEnd) await end();
});
const onEnd: (() => unknown)[] = [];

it('an end that was cut alarms the witness, and the operator finds it by the file', async () => {
  const dora = await createHousehold(server, world.adminToken);
  const witness = witnessOf(dora);
  await rename(dora, 'Evidence');
  await witness.look();
  const tenantId = await tenantOf(dora);
  await owner`DELETE FROM audit_heads WHERE tenant_id = ${tenantId}`;
  await owner`DELETE FROM audit_records WHERE tenant_id = ${tenantId} AND index >= 2`;
  await owner`
    UPDATE audit_chains SET size = 2, last_hash = (
      SELECT hash FROM audit_records WHERE tenant_id = ${tenantId} AND index = 1) WHERE tenant_id = ${tenantId}`;
  await expect(witness.look()).rejects.toThrow('the log is shorter than it was: its end is cut');
  expect(await verify(witness.path)).toEqual([
    'the end is cut: 3 records a witness has kept, and 2 are there',
  ]);
});

it('a second history alarms the witness, though the server signs it', async () => {
  const dora = await createHousehold(server, world.adminToken);
  const witness = witnessOf(dora);
  await rename(dora, 'Evidence');
  await witness.look();
  const tenantId = await tenantOf(dora);
  await owner`DELETE FROM audit_heads WHERE tenant_id = ${tenantId}`;
  await owner`DELETE FROM audit_records WHERE tenant_id = ${tenantId} AND index >= 2`;
  await owner`
    UPDATE audit_chains SET size = 2, last_hash = (
      SELECT hash FROM audit_records WHERE tenant_id = ${tenantId} AND index = 1) WHERE tenant_id = ${tenantId}`;
  await rename(dora, 'Alibi');
  await rename(dora, 'Alibi too');
  await expect(witness.look()).rejects.toThrow('the log has another history');
  expect(await verify(witness.path)).toContain(
    'another history: the first 3 records are not those that a witness has kept',
  );
});
