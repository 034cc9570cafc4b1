import mqtt, { type MqttClient } from 'mqtt';
import {
  ComputeAlive,
  ComputeCredit,
  ComputeResult,
  encodePayload,
  ProviderRegistration,
  RatatoskrType,
  type yggdrasil,
} from '../../../proto/index.ts';
import { BifrostSocket } from '../../support/bifrost-socket.ts';
import { deltaPayload } from '../../support/compute.ts';
import { ProviderSocket } from '../../support/provider-socket.ts';
import { openRawSession, type RawSession } from '../../support/ratatoskr.ts';
import type { DeviceCredentials, World } from '../../support/world.ts';

/** A device that there isn't. */
const NOBODY = '00000000-0000-4000-8000-00000000dead';

/** What happens to a device, in words. */
type Outcome = (world: World) => Promise<string>;

/** What every operation of a connection must show, beside working. */
export interface ConnectionCase {
  /** What somebody without the right sees, */
  readonly unauthorized: readonly [Outcome, string][];
  /** and a device that asks for something wrong. */
  readonly refused: readonly [Outcome, string];
}

function connect({ server }: World, { deviceId, token }: Pick<DeviceCredentials, 'deviceId' | 'token'>) {
  const client = mqtt.connect(server.mqttUrl, {
    username: deviceId,
    password: token,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  return new Promise<MqttClient | string>((resolve) => {
    client.once('connect', () => resolve(client));
    client.once('error', (error) => {
      client.end(true);
      resolve(`refused with ${(error as { code?: unknown }).code}`);
    });
  });
}

const connecting =
  (credentials: (world: World) => Pick<DeviceCredentials, 'deviceId' | 'token'>): Outcome =>
  async (world) => {
    const client = await connect(world, credentials(world));
    if (typeof client === 'string') return client;
    await client.endAsync(true);
    return 'connected';
  };

const overWebSocket =
  (token: (world: World) => string): Outcome =>
  async (world) => {
    const socket = await BifrostSocket.connect(world.server, { ...world.alice.device, token: token(world) });
    return `closed with ${await socket.closed()} ${socket.closeReason}`;
  };

/** A session that is begun with this token, or (null) not opened, and what is said in it then. */
const inSession =
  (token: (world: World) => string | null, ...sent: Parameters<RawSession['send']>[]): Outcome =>
  async (world) => {
    const session = await openRawSession(world.server, token(world));
    for (const message of sent) session.send(...message);
    return `closed with ${await session.closed}`;
  };

/** What is answered to a message of a provider. */
const asProvider =
  (credentials: (world: World) => DeviceCredentials, message: Parameters<ProviderSocket['send']>): Outcome =>
  async (world) => {
    const provider = await ProviderSocket.open(world.server, credentials(world));
    provider.send(...message);
    const answer = await provider.answer();
    provider.close();
    return answer;
  };

const registering = (
  offer: yggdrasil.v1.ProviderOffer.$Properties | null,
): Parameters<ProviderSocket['send']> => [
  RatatoskrType.PROVIDER_REGISTRATION,
  encodePayload(ProviderRegistration, offer === null ? { withdraw: {} } : { offer }),
];

/** A message about a request that the device was never given. */
const providing = (message: Parameters<ProviderSocket['send']>, code: string): ConnectionCase => ({
  unauthorized: [
    [asProvider(({ alice }) => ({ ...alice.device, token: alice.token }), message), 'forbidden'],
  ],
  refused: [asProvider(({ alice }) => alice.device, message), code],
});

const requestId = new Uint8Array(16);

const asAlice =
  (work: (client: MqttClient, world: World) => Promise<string>): Outcome =>
  async (world) => {
    const client = await connect(world, world.alice.device);
    if (typeof client === 'string') return client;
    try {
      return await work(client, world);
    } finally {
      await client.endAsync(true);
    }
  };

const publishing = (topic: (world: World) => string) =>
  asAlice(async (client, world) => {
    const closed = new Promise<string>((resolve) => client.once('close', () => resolve('closed')));
    client.publish(topic(world), Buffer.from([1]), { qos: 0 });
    return closed;
  });

/** What the device is told of a publication that was not taken. */
const publishingPlain = (topic: (world: World) => string) =>
  asAlice(async (client, world) => {
    const { deviceId } = world.alice.device;
    const told = new Promise<string>((resolve) =>
      client.on('message', (_topic, payload, packet) => {
        const { code, topic: refused } = JSON.parse(payload.toString());
        if (!packet.retain && refused === topic(world)) resolve(code);
      }),
    );
    await client.subscribeAsync(`devices/${deviceId}/refused`);
    await client.publishAsync(topic(world), '{}', { qos: 1 });
    return told;
  });

const subscribing = (topic: (world: World) => string) =>
  asAlice(
    (client, world) =>
      new Promise((resolve) => {
        client.subscribe(topic(world), { qos: 1 }, (error, _granted, packet) =>
          resolve(error === null ? 'subscribed' : `granted ${packet?.granted}`),
        );
      }),
  );

/** By operation. One that is missing fails the architecture test. */
export const CONNECTION_CASES: Readonly<Record<string, ConnectionCase>> = {
  'frames.connections.open': {
    unauthorized: [
      [connecting(({ alice }) => ({ ...alice.device, token: 'ygd_wrong' })), 'refused with 4'],
      [connecting(({ alice }) => ({ ...alice.device, token: '' })), 'refused with 4'],
      [connecting(({ alice }) => ({ ...alice.device, token: alice.token })), 'refused with 4'],
      [overWebSocket(() => 'ygd_wrong'), 'closed with 4401 unauthenticated'],
      [overWebSocket(({ alice }) => alice.token), 'closed with 4401 unauthenticated'],
    ],
    refused: [
      connecting(({ alice, bob }) => ({ deviceId: bob.device.deviceId, token: alice.device.token })),
      'refused with 4',
    ],
  },
  'ratatoskr.sessions.open': {
    unauthorized: [
      [inSession(() => 'ygu_wrong'), 'closed with 4401 unauthenticated'],
      [inSession(() => ''), 'closed with 4401 unauthenticated'],
    ],
    refused: [
      inSession(() => null, [RatatoskrType.CONNECTION_REQUEST, Uint8Array.of(0xff)]),
      'closed with 4400 ratatoskr_message_malformed',
    ],
  },
  'ratatoskr.sessions.control': {
    unauthorized: [[inSession(() => 'ygd_wrong'), 'closed with 4401 unauthenticated']],
    refused: [
      inSession(({ alice }) => alice.token, [RatatoskrType.STREAM_CREDIT, Uint8Array.of(0xff)]),
      'closed with 4400 ratatoskr_message_malformed',
    ],
  },
  'providers.offer': {
    unauthorized: [
      [asProvider(({ alice }) => ({ ...alice.device, token: alice.token }), registering({})), 'forbidden'],
    ],
    refused: [
      asProvider(({ alice }) => alice.device, registering({ models: [], slots: 1 })),
      'invalid_input',
    ],
  },
  'providers.withdraw': {
    unauthorized: [
      [asProvider(({ alice }) => ({ ...alice.device, token: alice.token }), registering(null)), 'forbidden'],
    ],
    refused: [
      asProvider(({ alice }) => alice.device, [RatatoskrType.PROVIDER_REGISTRATION, new Uint8Array(0)]),
      'invalid_input',
    ],
  },
  'providers.bodies.confirm': providing(
    [RatatoskrType.COMPUTE_CREDIT, encodePayload(ComputeCredit, { requestId, bytes: 1 })],
    'invalid_input',
  ),
  'providers.deltas.send': providing(
    [RatatoskrType.COMPUTE_DELTA, deltaPayload(requestId, 0, { content: 'for nobody' })],
    'transaction_not_found',
  ),
  'providers.signsOfLife.send': providing(
    [RatatoskrType.COMPUTE_ALIVE, encodePayload(ComputeAlive, { requestId })],
    'transaction_not_found',
  ),
  'providers.results.send': providing(
    [RatatoskrType.COMPUTE_RESULT, encodePayload(ComputeResult, { requestId, finishReason: 'stop' })],
    'transaction_not_found',
  ),
  'mqtt.topics.publish': {
    unauthorized: [[publishing(({ bob }) => `bifrost/v1/${bob.device.deviceId}/up`), 'closed']],
    refused: [publishing(({ alice }) => `bifrost/v1/${alice.device.deviceId}/down`), 'closed'],
  },
  'mqtt.topics.subscribe': {
    unauthorized: [[subscribing(({ bob }) => `bifrost/v1/${bob.device.deviceId}/down`), 'granted 128']],
    refused: [subscribing(() => 'bifrost/v1/#'), 'granted 128'],
  },
  'mqtt.tree.publish': {
    unauthorized: [[publishing(({ bob }) => `devices/${bob.device.deviceId}/state`), 'closed']],
    refused: [publishing(() => '$SYS/broker/uptime'), 'closed'],
  },
  'mqtt.commands.send': {
    unauthorized: [
      [
        publishingPlain(({ bob }) => `devices/${bob.device.deviceId}/commands/x`),
        'frame_destination_unknown',
      ],
      [publishingPlain(() => `devices/${NOBODY}/commands/x`), 'frame_destination_unknown'],
    ],
    refused: [publishingPlain(() => 'devices/nobody/commands/x'), 'invalid_input'],
  },
  'mqtt.results.send': {
    unauthorized: [[publishing(({ bob }) => `devices/${bob.device.deviceId}/results`), 'closed']],
    refused: [publishingPlain(({ alice }) => `devices/${alice.device.deviceId}/results`), 'invalid_input'],
  },
  'mqtt.shadows.ask': {
    unauthorized: [[publishing(({ bob }) => `devices/${bob.device.deviceId}/shadow/get`), 'closed']],
    refused: [
      publishingPlain(({ alice }) => `devices/${alice.device.deviceId}/shadow/report`),
      'invalid_input',
    ],
  },
  'mqtt.tree.subscribe': {
    unauthorized: [[subscribing(({ bob }) => `bifrost/v1/${bob.device.deviceId}/#`), 'granted 128']],
    refused: [subscribing(() => '$share/group/home/#'), 'granted 128'],
  },
};
