import net from 'node:net';
import { connectAsync } from 'mqtt';
import { WebSocket } from 'ws';
import { FrameChannel, NonceSource, type RatatoskrClient } from '../../../device/client/index.ts';
import { systemClock, systemRandom } from '../../../device/client/platform.ts';
import {
  ComputeRequest,
  Delivery,
  decodePayload,
  encodePayload,
  FrameType,
  Hello,
  ProviderRegistration,
  RatatoskrType,
} from '../../../proto/index.ts';
import { deltaPayload } from '../compute.ts';
import { createDeviceCore } from '../core.ts';
import { clientOf, readingOf } from '../crash/load.ts';
import { openClient } from '../ratatoskr.ts';
import { ATTACKER_ADDRESS, type Attacker } from './household.ts';

/** Begins; the process ends when it has done its worst. */
type Attack = (attacker: Attacker) => void | Promise<void>;

/** Repeats something for good, `lanes` at a time, whatever becomes of it. */
function keepDoing(lanes: number, work: () => Promise<unknown>): void {
  const lane = async () => {
    for (;;) {
      await work().catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (let index = 0; index < lanes; index++) void lane();
}

const portOf = (url: string) => Number(new URL(url).port);

function ask(attacker: Attacker, order: object): Promise<Response> {
  return fetch(`${attacker.httpUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${attacker.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
}

/** Offers a model for nothing, whose answers never end. */
async function offerEndlessModel(attacker: Attacker): Promise<RatatoskrClient> {
  const [device] = attacker.devices;
  if (device === undefined) throw new Error('the attacker has no device');
  const client = openClient(attacker, { credentials: device });
  client.on('work', ({ type, payload }) => {
    if (type !== RatatoskrType.COMPUTE_REQUEST) return;
    const { requestId } = decodePayload(ComputeRequest, payload);
    const content = 'x'.repeat(45_000);
    let index = 0;
    const more = () => {
      for (let piece = 0; piece < 4; piece++, index++) {
        client.send(RatatoskrType.COMPUTE_DELTA, deltaPayload(requestId, index, { content }));
      }
      if (index < 1_000) setImmediate(more);
    };
    more();
  });
  await client.ready();
  const models = [{ name: 'endless', priceCents: '0', contextTokens: 1_000_000 }];
  await client.register(encodePayload(ProviderRegistration, { offer: { slots: 100, models } }));
  return client;
}

/** Every way in which one tenant, or a stranger, tries to keep all others from being served. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  /** Answers of a provider of his own that he never reads, for nothing. */
  async answers(attacker) {
    await offerEndlessModel(attacker);
    const kept: Response[] = [];
    const order = { model: 'endless', stream: true, messages: [{ role: 'user', content: 'Go on.' }] };
    keepDoing(20, async () => {
      kept.push(await ask(attacker, order));
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
  },

  /** More sockets than he could need, each with a small request again and again. */
  sockets(attacker) {
    const request = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const begin = (port: number, bytes: string) => {
      const socket = net.connect({ port, host: '127.0.0.1', localAddress: ATTACKER_ADDRESS });
      const sending = setInterval(() => socket.write(bytes), 1_000);
      socket.on('connect', () => socket.write(bytes));
      socket.on('data', () => undefined);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(sending);
        setTimeout(() => begin(port, bytes), 200);
      });
    };
    for (let index = 0; index < 500; index++) begin(portOf(attacker.httpUrl), request);
    for (let index = 0; index < 200; index++) begin(portOf(attacker.mqttUrl), '');
  },

  /** Prompts as long as they may be, for models that nobody has and that he can't pay. */
  prompts(attacker) {
    const content = 'The quick brown fox jumps over the lazy dog. '.repeat(20_000);
    const models = ['nobody-has-it', 'oracle'];
    keepDoing(50, async () => {
      for (const model of models)
        await (await ask(attacker, { model, messages: [{ role: 'user', content }] })).text();
    });
  },

  /** STORED frames as fast as they go: within the window, past it, and over MQTT. */
  async frames(attacker) {
    const [patient, greedy, mqtt] = attacker.devices;
    if (patient === undefined || greedy === undefined || mqtt === undefined)
      throw new Error('too few devices');
    const client = clientOf(attacker, patient);
    await client.connect();
    keepDoing(900, () => client.send({ type: FrameType.EVENT, payload: readingOf('flood', 1) }));
    const core = createDeviceCore();
    const reading = { type: FrameType.EVENT, delivery: Delivery.STORED, payload: readingOf('flood', 2) };
    keepDoing(1, async () => {
      const channel = channelOf(greedy, core);
      const socket = new WebSocket(`${attacker.webSocketUrl}/bifrost`, ['bifrost.v1'], {
        headers: { authorization: `Bearer ${greedy.token}` },
        localAddress: ATTACKER_ADDRESS,
      });
      socket.on('error', () => undefined);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.once('open', () => {
        const hello = {
          type: FrameType.HELLO,
          delivery: Delivery.TRANSIENT,
          payload: encodePayload(Hello, {}),
        };
        socket.send(channel.seal(hello, channel.newId()));
      });
      socket.once('message', () => {
        for (let count = 0; count < 5_000; count++) socket.send(channel.seal(reading, channel.newId()));
      });
      await closed;
    });
    const publisher = await connectAsync(attacker.mqttUrl, {
      clientId: mqtt.deviceId,
      username: mqtt.deviceId,
      password: mqtt.token,
    });
    publisher.on('error', () => undefined);
    const channel = channelOf(mqtt, core);
    keepDoing(200, () =>
      publisher.publishAsync(
        `bifrost/v1/${mqtt.deviceId}/up`,
        Buffer.from(channel.seal(reading, channel.newId())),
        {
          qos: 1,
        },
      ),
    );
  },

  /** Half bodies on a thousand connections without a token. */
  bodies(attacker) {
    const head = 'POST /api/v1/networks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const half = Buffer.concat([
      Buffer.from(`${head}Content-Length: 1000000\r\n\r\n`),
      Buffer.alloc(500_000, 'x'),
    ]);
    const begin = () => {
      const socket = net.connect({
        port: portOf(attacker.httpUrl),
        host: '127.0.0.1',
        localAddress: ATTACKER_ADDRESS,
      });
      socket.on('connect', () => socket.write(half));
      socket.on('data', () => undefined);
      socket.on('error', () => undefined);
      socket.on('close', () => setTimeout(begin, 200));
    };
    for (let index = 0; index < 1_000; index++) begin();
  },
};

const channelOf = (credentials: Attacker['devices'][number], core: ReturnType<typeof createDeviceCore>) =>
  FrameChannel.create(credentials, { core, nonces: new NonceSource(systemClock), random: systemRandom });
