import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../../integration/http/server-under-test.ts';
import { connectPacket } from '../../integration/mqtt/server-under-test.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type World } from '../../support/world.ts';
import { connectPlain } from './plain-clients.ts';

let server: TestServer;
let world: World;
let names = 0;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const newDevice = () => createDevice(server, world.alice.token, world.alice.network.id, `Web ${++names}`);
const overWebSocket = async (options = {}, device?: Awaited<ReturnType<typeof newDevice>>) =>
  connectPlain(server, device ?? (await newDevice()), options, `${server.webSocketUrl}/mqtt`);

it('a client over WebSocket and one over TCP hear each other, with QoS 0 to 2, in order', async () => {
  const [web, tcp] = [await overWebSocket(), await connectPlain(server, await newDevice())];
  await web.mqtt.subscribeAsync('to/web', { qos: 2 });
  await tcp.mqtt.subscribeAsync('to/tcp', { qos: 2 });
  for (const qos of [0, 1, 2] as const) {
    await web.mqtt.publishAsync('to/tcp', `w${qos}`, { qos });
    await tcp.mqtt.publishAsync('to/web', `t${qos}`, { qos });
  }
  await web.hears(3);
  await tcp.hears(3);
  expect(web.heard).toEqual(['to/web t0 0', 'to/web t1 1', 'to/web t2 2']);
  expect(tcp.heard).toEqual(['to/tcp w0 0', 'to/tcp w1 1', 'to/tcp w2 2']);
});

it('a lasting session goes on over the other transport, and a will is published when the socket vanishes', async () => {
  const device = await newDevice();
  const listener = await connectPlain(server, await newDevice());
  await listener.mqtt.subscribeAsync('will/web', { qos: 1 });
  const lasting = { clean: false, clientId: 'lasting' };
  const will = { topic: 'will/web', payload: Buffer.from('gone'), qos: 1 as const, retain: false };
  const web = await overWebSocket({ ...lasting, will }, device);
  await web.mqtt.subscribeAsync('kept/web', { qos: 1 });
  await web.vanish();
  await listener.hears(1);
  await listener.mqtt.publishAsync('kept/web', 'x', { qos: 1 });
  const tcp = await connectPlain(server, device, lasting);
  await tcp.hears(1);
  expect([tcp.sessionPresent, tcp.heard, listener.heard]).toEqual([
    true,
    ['kept/web x 1'],
    ['will/web gone 1'],
  ]);
});

it('many megabytes of retained messages reach a client that reads, as fast as it reads', async () => {
  const publisher = await connectPlain(server, await newDevice());
  const payload = 'x'.repeat(60_000);
  await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      publisher.mqtt.publishAsync(`large/${index}`, payload, { qos: 1, retain: true }),
    ),
  );
  const web = await overWebSocket();
  await web.mqtt.subscribeAsync('large/#', { qos: 0 });
  await web.hears(100);
});

/** A WebSocket of bytes, and what it got. */
async function raw(subprotocols: string[] = ['mqtt']) {
  const socket = new WebSocket(`${server.webSocketUrl}/mqtt`, subprotocols);
  onTestFinished(() => socket.terminate());
  const state = { received: Buffer.alloc(0), code: 0, status: 0 };
  socket.on('message', (data: Buffer) => {
    state.received = Buffer.concat([state.received, data]);
  });
  socket.on('close', (code) => {
    state.code = code;
  });
  socket.on('unexpected-response', (_, response) => {
    state.status = response.statusCode ?? 0;
  });
  socket.on('error', () => undefined);
  await eventually('an answer', () => socket.readyState === WebSocket.OPEN || state.status > 0);
  return { socket, state };
}

it('packets and messages need not have the same borders [MQTT-6.0.0-2]', async () => {
  const { deviceId, token } = await newDevice();
  const { socket, state } = await raw();
  expect(socket.protocol).toBe('mqtt');
  for (const byte of connectPacket(deviceId, { password: token })) socket.send(Buffer.from([byte]));
  await eventually('CONNACK', () => state.received.length === 4);
  socket.send(Buffer.from([0xc0, 0, 0xc0, 0]));
  await eventually('three packets', () => state.received.length >= 8);
  expect(state.received.toString('hex')).toBe('20020000d000d000');
});

it('a message of text ends the connection [MQTT-6.0.0-1], and so does what is no MQTT', async () => {
  const [text, nonsense] = [await raw(), await raw()];
  text.socket.send('CONNECT');
  nonsense.socket.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await eventually('both ends', () => text.state.code > 0 && nonsense.state.code > 0);
  expect([text.state.code, nonsense.state.received.length]).toEqual([1003, 0]);
});

it('a wrong token is refused in CONNACK, and without the subprotocol there is no WebSocket', async () => {
  const device = await newDevice();
  await expect(overWebSocket({}, { ...device, token: 'ygd_wrong' })).rejects.toMatchObject({ code: 4 });
  expect((await raw(['other'])).state.status).toBe(400);
});

it('a client that is removed is cut off, and is counted among its owner’s connections', async () => {
  const device = await newDevice();
  const web = await overWebSocket({}, device);
  const metrics = async () =>
    await (
      await fetch(`${server.httpUrl}/metrics`, { headers: { authorization: `Bearer ${world.adminToken}` } })
    ).text();
  expect(await metrics()).toMatch(/yggdrasil_websocket_connections [1-9]/);
  const closed = new Promise<void>((resolve) => web.mqtt.once('close', () => resolve()));
  await fetch(`${server.httpUrl}/api/v1/devices/${device.deviceId}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${world.alice.token}` },
  });
  await closed;
});
