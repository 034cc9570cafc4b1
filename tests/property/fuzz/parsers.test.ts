import { describe, expect, it } from 'vitest';
import {
  decodePayload,
  encodeFrame,
  FRAME_BYTES_MAX,
  FrameError,
  PayloadError,
  readFrame,
} from '../../../proto/index.ts';
import {
  AEAD_TAG_BYTES,
  Channel,
  CipherState,
  type NoiseCrypto,
  RatatoskrSession,
  SessionError,
} from '../../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../../proto/ratatoskr/node.ts';
import { createCatalogue } from '../../../server/app/operations.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { asId } from '../../../server/kernel/ids.ts';
import { Headers } from '../../../server/platform/http/headers.ts';
import { findHeadFault } from '../../../server/platform/http/request-head.ts';
import { createRouter } from '../../../server/platform/http/router.ts';
import { PacketStream } from '../../../server/platform/mqtt/mqtt5/packet-stream.ts';
import { Mqtt5Fault } from '../../../server/platform/mqtt/mqtt5/reason-codes.ts';
import { PacketFramer } from '../../../server/platform/mqtt/packet-framer.ts';
import type { HttpOperation } from '../../../server/transports/pipeline/http-operation.ts';
import { REST_CASES } from '../../acceptance/contract/rest-cases.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { createServerCore } from '../../support/core.ts';
import { createMessagingWorld, frameOf, nextNonce } from '../../support/device-channels.ts';
import { uuid } from '../../support/frames.ts';
import {
  DELIVERIES,
  MESSAGES,
  mqtt5Packets,
  mqttPackets,
  SESSION_MESSAGES,
  WORK_MESSAGES,
} from '../../support/fuzz/corpus.ts';
import { createMutator } from '../../support/fuzz/mutate.ts';
import { readNumber, readSeed } from '../../support/options.ts';
import { createSeededRandom } from '../../support/random.ts';

/** In the process, over all kinds together. A million take about four minutes. */
const inputs = readNumber('YGGDRASIL_TEST_INPUTS', 25_000);
const seed = readSeed();
const random = createSeededRandom(seed);
const timeoutMs = 60_000 + inputs;

const headerOf = (type: number, delivery: number) => ({
  type,
  delivery,
  id: uuid(1),
  networkId: uuid(2),
  sourceId: uuid(3),
  nonce: 5,
  correlationId: uuid(4),
});
const frames = MESSAGES.flatMap(([type, , payload]) =>
  DELIVERIES.map((delivery) => encodeFrame(headerOf(type, delivery), payload, () => undefined)),
);

/** Gives `work` a share of all inputs; what it throws is told with the input that made it. */
async function fuzz(
  share: number,
  corpus: readonly Uint8Array[],
  work: (input: Uint8Array) => Promise<void> | void,
): Promise<void> {
  const next = createMutator(corpus, random);
  const count = Math.ceil(inputs * share);
  for (let number = 0; number < count; number++) {
    const input = next();
    try {
      // Only what is asynchronous is waited for: a turn of the event loop costs more than most inputs.
      const done = work(input);
      if (done !== undefined) await done;
    } catch (error) {
      throw new Error(`seed ${seed}, input ${Buffer.from(input).toString('base64')}`, { cause: error });
    }
  }
  console.log(`fuzz: ${count} inputs, seed ${seed}`);
}

function readOrRefuse(read: () => unknown, refusal: new (...words: never[]) => Error): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof refusal)) throw error;
  }
}

/** First messages of clients, and servers that they are for. */
function createHandshakes() {
  const serverKey = nodeNoiseCrypto.generateKeyPair();
  const dependencies = { crypto: nodeNoiseCrypto, signer: createServerCore() };
  const staticKey = nodeNoiseCrypto.generateKeyPair();
  const firsts = [serverKey.publicKey, null].map(
    (known) => RatatoskrSession.begin({ staticKey, serverKey: known, features: 7 }, dependencies).first,
  );
  const newServer = () => RatatoskrSession.await({ staticKeys: [serverKey] }, dependencies);
  return { firsts, newServer };
}

/** The messages of a session in which every signature and every ciphertext is right, so that what is inside them is looked at. */
function openChannel(role: 'initiator' | 'responder'): Channel<null> {
  const crypto: NoiseCrypto = {
    ...nodeNoiseCrypto,
    encryptInto: (_key, _nonce, _associated, plaintext, target) => target.set(plaintext),
    decrypt: (_key, _nonce, _associated, ciphertext) => ciphertext.slice(0, -AEAD_TAG_BYTES),
  };
  const cipher = () => new CipherState(crypto, new Uint8Array(32));
  const keys = { handshakeHash: new Uint8Array(32), remoteStaticKey: new Uint8Array(32) };
  const signer = { importKey: () => null, signInto: () => undefined, verify: () => true };
  return new Channel<null>({ send: cipher(), receive: cipher(), ...keys }, { role, crypto, signer });
}

describe('whatever bytes come', () => {
  it('a frame is read or refused with a code', { timeout: timeoutMs }, () =>
    fuzz(0.37, frames, (input) => readOrRefuse(() => readFrame(input), FrameError)),
  );

  it('a payload is read or refused with a code, as any message', { timeout: timeoutMs }, async () => {
    const messages = [...MESSAGES, ...WORK_MESSAGES, ...SESSION_MESSAGES];
    const payloads = messages.map(([, , payload]) => payload);
    let turn = 0;
    await fuzz(0.37, payloads, (input) => {
      const [, type] = messages[turn++ % messages.length] as (typeof messages)[number];
      readOrRefuse(() => decodePayload<never, unknown>(type as never, input), PayloadError);
    });
  });

  it('the bytes that open a session are answered or refused with a code', {
    timeout: timeoutMs,
  }, async () => {
    const { firsts, newServer } = createHandshakes();
    let isAnswered = 0;
    await fuzz(0.02, firsts, (input) => {
      const server = newServer();
      readOrRefuse(() => server.receive(input), SessionError);
      if (server.state !== 'ended') isAnswered++;
      expect(['handshake', 'connecting', 'ended']).toContain(server.state);
    });
    expect(firsts.every((first) => newServer().receive(first).reply !== null)).toBe(true);
    expect(isAnswered).toBeGreaterThan(0);
  });

  it('a message of a session is read or refused with a code, whatever is signed', {
    timeout: timeoutMs,
  }, async () => {
    const messages = [...SESSION_MESSAGES, ...WORK_MESSAGES].map(([type, , payload]) =>
      openChannel('initiator').seal(type, payload),
    );
    let read = 0;
    await fuzz(0.2, messages, (input) => {
      readOrRefuse(() => {
        openChannel('responder').open(input);
        read++;
      }, SessionError);
    });
    expect(read).toBeGreaterThan(0);
  });

  it('the borders of MQTT packets are the same at every split', { timeout: timeoutMs }, async () => {
    const { connect, others } = mqttPackets(uuid(3), 'token', frames[0] as Uint8Array);
    const streams = [connect, ...others.map((packet) => Buffer.concat([connect, packet]))];
    await fuzz(0.2, streams, (input) => {
      const whole = new PacketFramer(1_000, FRAME_BYTES_MAX).findFault(input)?.reason;
      const framer = new PacketFramer(1_000, FRAME_BYTES_MAX);
      const split = Math.floor(random.fraction() * (input.length + 1));
      const first = framer.findFault(input.subarray(0, split));
      const parts = (first ?? framer.findFault(input.subarray(split)))?.reason;
      if (parts !== whole) throw new Error(`${parts} instead of ${whole}, split at ${split}`);
    });
  });

  it('packets of MQTT 5 are read or refused, the same at every split', { timeout: timeoutMs }, async () => {
    const packets = mqtt5Packets();
    const streams = packets.map((first, index) => Buffer.concat([first, packets.at(index - 3) as Buffer]));
    const read = (pieces: Buffer[]): string => {
      const stream = new PacketStream(FRAME_BYTES_MAX);
      const found: unknown[] = [];
      try {
        for (const piece of pieces) for (const packet of stream.read(piece)) found.push(packet);
      } catch (error) {
        if (!(error instanceof Mqtt5Fault)) throw error;
        found.push(error.message);
      }
      return JSON.stringify(found);
    };
    await fuzz(0.2, streams, (input) => {
      const bytes = Buffer.from(input);
      const split = Math.floor(random.fraction() * (bytes.length + 1));
      const parts = read([bytes.subarray(0, split), bytes.subarray(split)]);
      const whole = read([bytes]);
      if (parts !== whole) throw new Error(`${parts} instead of ${whole}, split at ${split}`);
    });
  });

  it('a device is answered or cut off, over both channels', { timeout: timeoutMs }, async () => {
    for (const channel of ['WebSocket', 'MQTT'] as const) {
      const world = createMessagingWorld();
      let device = await world.connect(channel, 3);
      const payloads = MESSAGES.map(([, , payload]) => payload);
      await fuzz(0.005, payloads, async (payload) => {
        if (!device.isOpen) device = await world.connect(channel, 3);
        const [type] = MESSAGES[payload.length % MESSAGES.length] as (typeof MESSAGES)[number];
        const delivery = DELIVERIES[payload.length % 2] as (typeof DELIVERIES)[number];
        // Signed and not: what is signed gets further.
        await device.send(frameOf(3, nextNonce(), { type, delivery }, payload));
        if (device.isOpen) await device.send(payload);
      });
    }
  });

  it('an HTTP request is answered or refused with a code', { timeout: timeoutMs }, async () => {
    const refusing: unknown = new Proxy(() => {}, {
      get: (_target, name) => {
        if (name === 'then') return undefined;
        return name === 'lasting'
          ? Object.assign(Object.create(refusing as object), { find: () => null })
          : refusing;
      },
      apply: () => {
        const refused = Promise.reject(new AppError('unavailable', 'unavailable', 'Nothing is there.'));
        // Services that answer at once are not waited for.
        refused.catch(() => {});
        return refused;
      },
    });
    const { rest, openai } = createCatalogue(refusing as never);
    const operations = [...rest, ...openai].filter(({ access }) => access !== 'public');
    const corpus = Object.values(REST_CASES)
      .flatMap(({ valid, refused }) => [valid(FAKE_WORLD), refused(FAKE_WORLD)])
      .map(({ path, body }) =>
        new TextEncoder().encode(`${path}\n${body === undefined ? '' : JSON.stringify(body)}`),
      );
    const match = createRouter(
      operations.map((operation) => ({ ...operation, handle: () => Promise.reject(new Error('unused')) })),
    );
    let turn = 0;
    await fuzz(0.05, corpus, async (input) => {
      const [target = '', body = ''] = Buffer.from(input).toString('latin1').split('\n');
      findHeadFault('POST', target, new Headers({ forEach: (tell) => tell('host', body) }));
      const [path = '', query = ''] = target.split('?');
      match('GET', path);
      const operation = operations[turn++ % operations.length] as HttpOperation;
      await answerOrRefuse(operation, path, query, Buffer.from(body, 'latin1'));
    });
  });
});

const actor: AccountActor = {
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId: asId(uuid(10)),
  accountId: asId(uuid(11)),
  role: 'owner',
  networkIds: null,
  operator: true,
};

async function answerOrRefuse(operation: HttpOperation, path: string, query: string, body: Uint8Array) {
  const params = Object.fromEntries(
    operation.path
      .split('/')
      .filter((segment) => segment.startsWith(':'))
      .map((segment) => [segment.slice(1), path.split('/').at(-1) ?? '']),
  );
  try {
    await operation.answer(actor, {
      method: operation.method,
      path,
      params,
      query: new URLSearchParams(query),
      header: (name) => (name === 'idempotency-key' ? path : undefined),
      body,
      remoteAddress: '192.0.2.1',
      requestId: uuid(12),
      signal: new AbortController().signal,
    });
  } catch (error) {
    expect(error, operation.path).toBeInstanceOf(AppError);
  }
}

const household = (number: number) => ({
  userId: uuid(number),
  token: 'token',
  network: { id: uuid(number + 1), name: 'Home' },
  device: { deviceId: uuid(number + 2), networkId: uuid(number + 1), token: 'token', signingKey: 'key' },
});

/** Enough of a world for the requests of `REST_CASES`. */
const FAKE_WORLD = { adminToken: 'token', alice: household(20), bob: household(30) } as never;
