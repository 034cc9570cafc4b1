import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  type BifrostClientOptions,
  createBifrostClient,
  createSealKey,
  encodeEvent,
  type ShownPeerKey,
} from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { FrameType } from '../../proto/index.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { connect } from '../../server/platform/database/connect.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../support/world.ts';

const SECRET = 'the-plaintext-of-nobody-else';
const core = createDeviceCore();
let server: TestServer;
let world: World;
let made = 0;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const newDevice = () =>
  createDevice(server, world.alice.token, world.alice.network.id, `Sealing device ${++made}`);

function clientOf(
  credentials: DeviceCredentials,
  sealKey?: string,
  options: Partial<BifrostClientOptions> = {},
) {
  const withKey = sealKey === undefined ? credentials : { ...credentials, sealKey };
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials: withKey, ...options },
    { core, openSocket: openNodeSocket, crypto: nodeNoiseCrypto },
  );
  const heard: { name: string; isSealed: boolean }[] = [];
  client.on('event', ({ name, frame }) => heard.push({ name, isSealed: frame.isSealed }));
  const shown: ShownPeerKey[] = [];
  client.on('peerKey', (key) => shown.push(key));
  const dropped: string[] = [];
  client.on('dropped', ({ reason }) => dropped.push(reason));
  client.on('command', ({ name, arguments: args, frame }) =>
    client
      .answer(frame, { error: null, values: { name, isSealed: frame.isSealed, said: args.text ?? '' } })
      // One that is closed meanwhile may not hear that its answer was taken.
      .catch(() => undefined),
  );
  return { client, heard, shown, dropped };
}

/** Two devices that connect, each with these options. */
async function couple(...options: readonly [Partial<BifrostClientOptions>?, Partial<BifrostClientOptions>?]) {
  const devices = [await newDevice(), await newDevice()] as const;
  const keys = [createSealKey(), createSealKey()] as const;
  const [a, b] = [clientOf(devices[0], keys[0], options[0]), clientOf(devices[1], keys[1], options[1])];
  await Promise.all([a.client.connect(), b.client.connect()]);
  return {
    a,
    b,
    devices,
    keys,
    close: () => {
      a.client.close();
      b.client.close();
    },
  };
}

/** What the streams hold of this text. */
const framesWith = async (text: string) => {
  const sql = connect(server.databaseUrl, { connectionsMax: 1 });
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*)::integer AS count FROM relay_frames WHERE position(${Buffer.from(text)}::bytea in content) > 0`;
  await sql.end();
  return row?.count;
};

it('seals commands, results and events between two that have keys, and the database has no word of them', async () => {
  const { a, b, devices, close } = await couple();
  const [{ deviceId: idOfA }, { deviceId: idOfB }] = devices;
  const { values } = await a.client.command(idOfB, 'note.write', { text: SECRET });
  expect(values).toMatchObject({ name: 'note.write', isSealed: true, said: SECRET });
  const event = { name: 'note.read', value: SECRET, unit: '' };
  expect((await b.client.publish(event, { to: idOfA })).isSealed).toBe(true);
  await vi.waitFor(() => expect(a.heard).toEqual([{ name: 'note.read', isSealed: true }]));
  const payload = encodeEvent({ ...event, measuredAtMs: 1 });
  expect(a.client.sendTransient({ type: FrameType.EVENT, payload, destinationId: idOfB })).toBe(true);
  await vi.waitFor(() => expect(b.heard).toEqual([{ name: 'note.read', isSealed: true }]));
  expect(await framesWith(SECRET)).toBe(0);
  expect(await framesWith('note.')).toBe(0);

  expect(a.client.peers.fingerprint(idOfB)).toBe(b.client.peers.fingerprint(idOfA));
  expect(a.shown).toMatchObject([{ deviceId: idOfB, status: 'new', key: b.client.peers.publicKey }]);
  const { capabilities } = await server.get<{ capabilities: { sealKey: string } }>(
    `/api/v1/devices/${idOfB}`,
    world.alice.token,
  );
  expect(capabilities.sealKey).toBe(b.client.peers.publicKey);
  close();
});

it('goes as it is to and from a device without a key, and says so; who asks for sealing alone refuses that', async () => {
  const { a, b, devices, close } = await couple({}, { sealing: 'required' });
  const plain = await newDevice();
  const c = clientOf(plain);
  await c.client.connect();
  const sent = await a.client.publish({ name: 'x', value: SECRET, unit: '' }, { to: plain.deviceId });
  expect(sent.isSealed).toBeUndefined();
  expect(await framesWith(SECRET)).toBe(1);
  expect((await c.client.command(devices[0].deviceId, 'ping')).values.isSealed).toBe(false);
  await expect(c.client.command(devices[1].deviceId, 'ping')).rejects.toMatchObject({
    code: 'seal_required',
  });
  expect(b.dropped).toEqual(['seal_required']);
  await expect(b.client.command(plain.deviceId, 'ping')).rejects.toMatchObject({ code: 'seal_required' });
  c.client.close();
  close();
});

it('reads what was stored for it while it was away, also after it started anew, and sends what waited', async () => {
  const { a, b, devices, keys, close } = await couple();
  const [{ deviceId: idOfA }, { deviceId: idOfB }] = devices;
  await a.client.command(idOfB, 'ping');
  b.client.close();
  for (const name of ['first', 'second']) await a.client.publish({ name, value: 1, unit: '' }, { to: idOfB });
  const again = clientOf(devices[1], keys[1], { knownPeers: b.client.peers.known });
  // Before there is a connection, and so a key that is known for sure.
  const waiting = again.client.publish({ name: 'third', value: 1, unit: '' }, { to: idOfA });
  await again.client.connect();
  await vi.waitFor(() => expect(again.heard.map(({ name }) => name)).toEqual(['first', 'second']));
  expect((await waiting).isSealed).toBe(true);
  await vi.waitFor(() => expect(a.heard).toEqual([{ name: 'third', isSealed: true }]));
  again.client.close();
  close();
});

it('refuses another key than before until somebody trusts it, and reads what was sealed for an earlier one', async () => {
  let isAccepting = false;
  const { a, b, devices, keys, close } = await couple({ acceptsKey: () => isAccepting });
  const [{ deviceId: idOfA }, { deviceId: idOfB }] = devices;
  await a.client.command(idOfB, 'ping');
  b.client.close();
  await a.client.publish({ name: 'for the first key', value: 1, unit: '' }, { to: idOfB });
  const again = clientOf(devices[1], createSealKey(), { earlierSealKeys: [keys[1]] });
  await again.client.connect();
  await vi.waitFor(() => expect(again.heard).toHaveLength(1));
  await expect(again.client.command(idOfA, 'ping')).rejects.toMatchObject({ code: 'peer_key_changed' });
  expect(a.shown.at(-1)).toMatchObject({
    deviceId: idOfB,
    status: 'refused',
    key: again.client.peers.publicKey,
  });
  isAccepting = true;
  expect((await again.client.command(idOfA, 'ping')).values.isSealed).toBe(true);
  expect(a.shown.at(-1)).toMatchObject({ deviceId: idOfB, status: 'changed' });
  expect(a.client.peers.fingerprint(idOfB)).toBe(again.client.peers.fingerprint(idOfA));
  a.client.peers.forget(idOfB);
  expect((await a.client.publish({ name: 'x', value: 1, unit: '' }, { to: idOfB })).isSealed).toBe(true);
  again.client.close();
  close();
});

it('shows the names, and nothing else, where only some are allowed; the server holds it to them', async () => {
  const { a, b, devices, close } = await couple();
  const [, { deviceId: idOfB }] = devices;
  const { token } = world.alice;
  await server.request('PUT', `/api/v1/devices/${idOfB}/connection-rule`, {
    body: { isAsked: true },
    token,
    expect: 200,
  });
  b.client.on('ask', (ask) => b.client.connections.allow(ask, { operations: ['note.*'] }));
  expect((await a.client.connections.ask(idOfB)).status).toBe('allowed');
  const { values } = await a.client.command(idOfB, 'note.write', { text: SECRET });
  expect(values).toMatchObject({ isSealed: true, said: SECRET });
  await expect(a.client.command(idOfB, 'door.open')).rejects.toMatchObject({ code: 'connection_limited' });
  expect(await framesWith('note.write')).toBe(1);
  close();
});
