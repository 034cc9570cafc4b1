import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Delivery, FrameType } from '../../proto/index.ts';
import { BifrostSocket, signedFrame } from '../support/bifrost-socket.ts';
import { inParallel, sendBytes } from '../support/fuzz/attack.ts';
import { MESSAGES, mqttPackets } from '../support/fuzz/corpus.ts';
import { createMutator } from '../support/fuzz/mutate.ts';
import { readNumber, readSeed } from '../support/options.ts';
import { createSeededRandom } from '../support/random.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createWorld, type DeviceCredentials, type World } from '../support/world.ts';
import { REST_CASES } from './contract/rest-cases.ts';

/** Over sockets, over all protocols together. A hundred thousand take about ten minutes. */
const inputs = readNumber('YGGDRASIL_TEST_SOCKET_INPUTS', 2_000);
const seed = readSeed();
const random = createSeededRandom(seed);
const timeoutMs = 60_000 + inputs * 20;
/** Inputs between two looks at whether the server still serves a device that does nothing wrong. */
const LOOK_AFTER = 500;
/** Frames sent on one WebSocket before its answers are awaited. */
const FRAMES_A_SOCKET = 20;

let server: TestServer;
let world: World;
let victim: BifrostSocket;

beforeAll(async () => {
  server = await startTestServer({ YGGDRASIL_RATE_LIMITS: 'off' });
  world = await createWorld(server);
  victim = await BifrostSocket.open(server, world.bob.device);
});
afterAll(async () => {
  victim.close();
  await server.stop();
});

/** Another device and another request are served as ever, and nothing went wrong inside. */
async function expectWell(): Promise<void> {
  victim.send({ delivery: Delivery.STORED }, MESSAGES[5][2]);
  await victim.next(FrameType.ACK);
  await server.get('/api/v1/users/me', world.bob.token);
  const failures = server.logs.filter(
    ({ level, fields }) => level === 'error' || JSON.stringify(fields).includes('\\n    at '),
  );
  expect(failures, `seed ${seed}`).toEqual([]);
}

/** Gives `work` a share of all inputs. */
async function fuzz(
  share: number,
  corpus: readonly Uint8Array[],
  work: (input: Uint8Array) => Promise<void>,
): Promise<void> {
  const next = createMutator(corpus, random);
  const count = Math.ceil(inputs * share);
  let done = 0;
  await inParallel(count, async () => {
    const input = next();
    await work(input).catch((cause: unknown) => {
      throw new Error(`seed ${seed}, input ${Buffer.from(input).toString('base64')}`, { cause });
    });
    if (++done % LOOK_AFTER === 0) await expectWell();
  });
  await expectWell();
  console.log(`fuzz: ${count} inputs, seed ${seed}`);
}

const portOf = (url: string): number => Number(new URL(url).port);

/** Requests of every kind, and the opening of a WebSocket with a frame behind it. */
function httpRequests(): Uint8Array[] {
  const { token } = world.alice;
  const requests = Object.values(REST_CASES).flatMap(({ valid, refused }) => [valid(world), refused(world)]);
  const texts = requests.flatMap(({ path, body, headers = {} }) =>
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => {
      const content = body === undefined ? '' : JSON.stringify(body);
      const lines = [
        `${method} ${path} HTTP/1.1`,
        'Host: 127.0.0.1',
        `Authorization: Bearer ${token}`,
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        ...(content === '' ? [] : ['Content-Type: application/json', `Content-Length: ${content.length}`]),
      ];
      return new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n${content}`);
    }),
  );
  const opening = [
    'GET /bifrost HTTP/1.1',
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: bifrost.v1',
    `Authorization: Bearer ${world.alice.device.token}`,
  ].join('\r\n');
  // A masked binary message whose mask is zero.
  const hello = signedFrame(world.alice.device, { type: FrameType.HELLO }, MESSAGES[0][2]);
  const message = Buffer.concat([
    Buffer.from([0x82, 0xfe, hello.length >> 8, hello.length & 255, 0, 0, 0, 0]),
    hello,
  ]);
  const sockets = Array.from({ length: texts.length / 10 }, () =>
    Buffer.concat([Buffer.from(`${opening}\r\n\r\n`), message]),
  );
  return [...texts, ...sockets];
}

describe('whatever comes over a socket, the server', () => {
  it('answers HTTP without a 5xx of its own, and serves others', { timeout: timeoutMs }, async () => {
    const requests = httpRequests();
    const send = async (input: Uint8Array) => {
      const answer = (await sendBytes(portOf(server.httpUrl), input)).toString('latin1');
      const statuses = answer.match(/HTTP\/1\.1 5\d\d/g) ?? [];
      // 505: another version than HTTP/1.1.
      expect(
        statuses.filter((status) => status !== 'HTTP/1.1 505'),
        answer,
      ).toEqual([]);
      expect(answer).not.toContain('    at ');
    };
    await fuzz(0.5, requests, send);
    // Each as it is, once: what only some of them are answered is not left to chance.
    await inParallel(requests.length, (number) => send(requests[number - 1] as Uint8Array));
  });

  it('answers MQTT or cuts it, and serves others', { timeout: timeoutMs }, async () => {
    const device = world.alice.device;
    const frame = signedFrame(device, { delivery: Delivery.STORED }, MESSAGES[5][2]);
    const { connect, others } = mqttPackets(device.deviceId, device.token, frame);
    const streams = [connect, ...others.map((packet) => Buffer.concat([connect, packet]))];
    await fuzz(0.25, streams, async (input) => {
      await sendBytes(portOf(server.mqttUrl), input);
    });
    // Behind an opening that is right, so that every change is in what follows.
    await fuzz(0.05, others, async (input) => {
      await sendBytes(portOf(server.mqttUrl), Buffer.concat([connect, input]));
    });
  });

  it('answers frames or closes, and serves others', { timeout: timeoutMs }, async () => {
    const device = world.alice.device;
    const payloads = MESSAGES.map(([, , payload]) => payload);
    await fuzz(0.2 / FRAMES_A_SOCKET, payloads, (first) => sendFrames(device, first, payloads));
  });
});

/** Sends the payload and some more of its kind in frames of every type: signed, so that they get far, and bare. */
async function sendFrames(
  device: DeviceCredentials,
  first: Uint8Array,
  payloads: readonly Uint8Array[],
): Promise<void> {
  const socket = await BifrostSocket.connect(server, device);
  socket.send({ type: FrameType.HELLO }, MESSAGES[0][2]);
  const next = createMutator(payloads, random);
  for (let number = 0; number < FRAMES_A_SOCKET && socket.closeCode === null; number++) {
    const payload = number === 0 ? first : next();
    const [type] = MESSAGES[number % MESSAGES.length] as (typeof MESSAGES)[number];
    const delivery = number % 3 === 0 ? Delivery.STORED : Delivery.TRANSIENT;
    if (number === FRAMES_A_SOCKET - 1) socket.socket.send(payload);
    else socket.send({ type, delivery }, payload);
  }
  // A later session of the device ends this one.
  await new Promise<void>((resolve) => {
    socket.socket.once('pong', () => resolve());
    socket.socket.once('close', () => resolve());
    if (socket.socket.readyState === socket.socket.OPEN) socket.socket.ping();
    else if (socket.socket.readyState === socket.socket.CLOSED) resolve();
  });
  socket.close();
}
