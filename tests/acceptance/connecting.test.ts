import { afterAll, beforeAll, expect, it } from 'vitest';
import { FrameType } from '../../proto/index.ts';
import type { Database } from '../../server/kernel/database.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials } from '../support/world.ts';

const DEVICES = 100;
let transactions = 0;
let server: TestServer;
const devices: DeviceCredentials[] = [];

const counted = (database: Database): Database => ({
  tenant: (actor, work) => {
    transactions++;
    return database.tenant(actor, work);
  },
  read: (actor, work) => {
    transactions++;
    return database.read(actor, work);
  },
  system: (job, work) => {
    transactions++;
    return database.system(job, work);
  },
});

beforeAll(async () => {
  server = await startTestServer({}, { wrapDatabase: counted });
  const { alice } = await createWorld(server);
  const names = Array.from({ length: DEVICES }, (_, index) => `Device ${index}`);
  for (const name of names) devices.push(await createDevice(server, alice.token, alice.network.id, name));
});
afterAll(() => server.stop());

it('connects devices that come at once with less than two transactions for each, and each as itself', async () => {
  transactions = 0;
  const sockets = await Promise.all(devices.map((device) => BifrostSocket.open(server, device)));
  const used = transactions;
  const [first, last] = [sockets[0], sockets.at(-1)] as [BifrostSocket, BifrostSocket];
  first.send({ destinationId: last.credentials.deviceId });
  for (const socket of [first, last]) expect(socket.closeCode).toBeNull();
  const { sourceId } = (await last.next(FrameType.EVENT)).header;
  expect(sourceId).toBe(first.credentials.deviceId);
  for (const socket of sockets) socket.close();
  expect(used).toBeLessThan(2 * DEVICES);
});
