import { type AddressInfo, createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMqttConnector, downTopic, upTopic } from '../../device/virtual/mqtt-connector.ts';
import { MqttRefusedError } from '../../device/virtual/ports.ts';
import { madeUpCredentials } from '../support/bifrost-server.ts';

const credentials = madeUpCredentials();
let broker: Aedes;
let server: Server;
let url: string;

beforeEach(async () => {
  broker = await Aedes.createBroker({
    authenticate: (_client, username, password, done) =>
      done(null, username === credentials.deviceId && password?.toString() === credentials.token),
    authorizeSubscribe: (_client, subscription, done) =>
      done(null, subscription.topic === downTopic(credentials.deviceId) ? subscription : null),
  });
  server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await new Promise<void>((resolve) => broker.close(() => resolve()));
  await new Promise((resolve) => server.close(resolve));
});

describe('an MQTT connection of a device', () => {
  it('publishes on its up topic with QoS 1 and gets what comes on its down topic', async () => {
    const published = new Promise<{ topic: string; qos: number; payload: Buffer }>((resolve) => {
      broker.on('publish', (packet, client) => {
        if (client !== null)
          resolve({ topic: packet.topic, qos: packet.qos, payload: Buffer.from(packet.payload) });
      });
    });
    let received: (payload: Uint8Array) => void = () => {};
    const arrived = new Promise<Uint8Array>((resolve) => {
      received = resolve;
    });
    const link = await createMqttConnector(url, credentials)({ received, lost: () => {} });
    await link.publish(Uint8Array.of(1, 2));
    expect(await published).toEqual({
      topic: upTopic(credentials.deviceId),
      qos: 1,
      payload: Buffer.from([1, 2]),
    });
    broker.publish(
      {
        cmd: 'publish',
        topic: downTopic(credentials.deviceId),
        payload: Buffer.from([3]),
        qos: 1,
        dup: false,
        retain: false,
      },
      () => {},
    );
    expect(Buffer.from(await arrived)).toEqual(Buffer.from([3]));
    await link.close();
  });

  it('is refused with a wrong token, for good', async () => {
    const connect = createMqttConnector(url, { ...credentials, token: 'wrong' });
    await expect(connect({ received: () => {}, lost: () => {} })).rejects.toBeInstanceOf(MqttRefusedError);
  });

  it('is refused when it may not subscribe, for good', async () => {
    broker.authorizeSubscribe = (_client, _subscription, done) => done(null, null);
    const connect = createMqttConnector(url, credentials);
    await expect(connect({ received: () => {}, lost: () => {} })).rejects.toBeInstanceOf(MqttRefusedError);
  });

  it('can be tried again when nobody listens', async () => {
    const connect = createMqttConnector('mqtt://127.0.0.1:1', credentials);
    const error = await connect({ received: () => {}, lost: () => {} }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(MqttRefusedError);
  });

  it('reports its loss, and rejects what was not taken over', async () => {
    broker.authorizePublish = () => {};
    let lost: (reason: string) => void = () => {};
    const gone = new Promise<string>((resolve) => {
      lost = resolve;
    });
    const link = await createMqttConnector(url, credentials)({ received: () => {}, lost });
    const unfinished = link.publish(Uint8Array.of(1)).then(
      () => 'taken over',
      () => 'rejected',
    );
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (const client of Object.values(
      (broker as unknown as { clients: Record<string, { close(): void }> }).clients,
    )) {
      client.close();
    }
    expect(typeof (await gone)).toBe('string');
    expect(await unfinished).toBe('rejected');
  });
});
