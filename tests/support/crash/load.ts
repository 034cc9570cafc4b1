import { connectAsync } from 'mqtt';
import OpenAI from 'openai';
import {
  type BifrostClient,
  createBifrostClient,
  FrameChannel,
  NonceSource,
  type RatatoskrClient,
} from '../../../device/client/index.ts';
import { systemClock, systemRandom } from '../../../device/client/platform.ts';
import { openNodeSocket } from '../../../device/node/websocket.ts';
import {
  ComputeRequest,
  ComputeResult,
  Delivery,
  decodePayload,
  Event,
  encodePayload,
  FrameType,
  ProviderRegistration,
  RatatoskrType,
} from '../../../proto/index.ts';
import { deltaPayload } from '../compute.ts';
import { createDeviceCore } from '../core.ts';
import { openClient } from '../ratatoskr.ts';
import type { ServerProcess } from '../server-process.ts';
import type { DeviceCredentials } from '../world.ts';
import { type CrashHousehold, call } from './household.ts';

/** Readings of one device on their way at a time: enough to fill transactions, not to drown everything else. */
const UNANSWERED_MAX = 200;
/** Completions and top-ups that run at the same time. */
const PAYERS = 4;

/** All that the server has acknowledged, and what it was asked, over all its crashes. */
export interface Evidence {
  /** Readings by their text, `device:number`. */
  readonly acceptedReadings: Set<string>;
  /** Where the server said that it stored a reading. */
  readonly acceptedAt: Map<number, string>;
  /** What a device that was there during the load has heard, by position. */
  readonly heardAt: Map<number, string>;
  /** Transactions whose answer was given. */
  readonly paid: Set<string>;
  /** Keys of top-ups of one cent each; true once acknowledged. */
  readonly topUps: Map<string, boolean>;
  /** The last reading of each device. */
  readonly numbers: Map<string, number>;
}

export const createEvidence = (): Evidence => ({
  acceptedReadings: new Set(),
  acceptedAt: new Map(),
  heardAt: new Map(),
  paid: new Set(),
  topUps: new Map(),
  numbers: new Map(),
});

/** A device's client for this server. */
export const clientOf = (
  server: Pick<ServerProcess, 'webSocketUrl'>,
  credentials: DeviceCredentials,
): BifrostClient =>
  createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );

/** Tells every reading that the client gets, and its position in the stream. */
export function onReading(client: BifrostClient, listener: (offset: number, text: string) => void): void {
  client.on('frame', ({ type, streamOffset, payload }) => {
    if (type !== FrameType.EVENT || streamOffset === 0) return;
    const { name, value } = decodePayload(Event, payload);
    listener(streamOffset, `${name}:${value?.number}`);
  });
}

/** The payload of a reading. */
export const readingOf = (name: string, number: number): Uint8Array =>
  encodePayload(Event, { name, value: { number }, unit: '' });

/** Publishes one reading; resolves with its position, null where the protocol doesn't say, and rejects when refused. */
type Publish = (name: string, number: number) => Promise<number | null>;

async function overWebSocket(client: BifrostClient): Promise<Publish> {
  await client.connect();
  return async (name, number) => {
    const accepted = await client.send({ type: FrameType.EVENT, payload: readingOf(name, number) });
    return accepted.offset;
  };
}

async function overMqtt(server: ServerProcess, credentials: DeviceCredentials) {
  const channel = FrameChannel.create(credentials, {
    core: createDeviceCore(),
    nonces: new NonceSource(systemClock),
    random: systemRandom,
  });
  const client = await connectAsync(server.mqttUrl, {
    clientId: credentials.deviceId,
    username: credentials.deviceId,
    password: credentials.token,
    reconnectPeriod: 0,
  });
  client.on('error', () => undefined);
  const publish: Publish = (name, number) => {
    const reading = { type: FrameType.EVENT, delivery: Delivery.STORED, payload: readingOf(name, number) };
    const frame = channel.seal(reading, channel.newId());
    return new Promise((resolve, reject) => {
      client.once('close', reject);
      client.publish(`bifrost/v1/${credentials.deviceId}/up`, Buffer.from(frame), { qos: 1 }, (error) => {
        client.off('close', reject);
        if (error) reject(error);
        else resolve(null);
      });
    });
  };
  client.setMaxListeners(UNANSWERED_MAX + 10);
  return { publish, close: () => client.end(true) };
}

/** A provider that answers each request in three pieces. */
export async function provide(
  server: Pick<ServerProcess, 'httpUrl'>,
  credentials: DeviceCredentials,
): Promise<RatatoskrClient> {
  const client = openClient(server, { credentials });
  client.on('work', ({ type, payload }) => {
    if (type !== RatatoskrType.COMPUTE_REQUEST) return;
    const { requestId } = decodePayload(ComputeRequest, payload);
    ['The answer ', 'is always ', 'forty-two.'].forEach((text, index) => {
      const payload = deltaPayload(requestId, index, { content: text });
      client.send(RatatoskrType.COMPUTE_DELTA, payload);
    });
    const usage = { promptTokens: 1_000, completionTokens: 1_000 };
    const result = { requestId, finishReason: 'stop', usage };
    client.send(RatatoskrType.COMPUTE_RESULT, encodePayload(ComputeResult, result));
  });
  await client.ready();
  const models = [{ name: 'oracle', priceCents: '5', contextTokens: 4_096 }];
  await client.register(encodePayload(ProviderRegistration, { offer: { slots: 20, models } }));
  return client;
}

/** Publishes one reading after another while the load runs. */
async function keepPublishing(name: string, publish: Publish, evidence: Evidence, isRunning: () => boolean) {
  const underWay = new Set<Promise<void>>();
  while (isRunning()) {
    if (underWay.size === UNANSWERED_MAX) await new Promise((resolve) => setTimeout(resolve, 1));
    else {
      const number = (evidence.numbers.get(name) ?? 0) + 1;
      evidence.numbers.set(name, number);
      const sent = publish(name, number)
        .then((offset) => {
          evidence.acceptedReadings.add(`${name}:${number}`);
          if (offset !== null) evidence.acceptedAt.set(offset, `${name}:${number}`);
        })
        .catch(() => undefined)
        .finally(() => underWay.delete(sent));
      underWay.add(sent);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

async function keepBuying(openAi: OpenAI, evidence: Evidence, isRunning: () => boolean): Promise<void> {
  while (isRunning()) {
    const response = await openAi.chat.completions
      .create({ model: 'oracle', max_tokens: 50, messages: [{ role: 'user', content: 'What?' }] })
      .asResponse()
      .catch(() => null);
    // Paid is what was answered to its end.
    const answer = await response?.json().catch(() => null);
    if (answer) evidence.paid.add(response?.headers.get('x-yggdrasil-transaction-id') ?? '');
  }
}

/** Credits one cent under this key; asked again, nothing more. */
export async function topUp(server: ServerProcess, household: CrashHousehold, key: string): Promise<void> {
  await call(server, 'POST', '/api/v1/ledger/top-ups', {
    token: household.adminToken,
    body: { userId: household.userId, amountCents: 1 },
    idempotencyKey: key,
  });
}

async function keepPaying(
  server: ServerProcess,
  household: CrashHousehold,
  evidence: Evidence,
  isRunning: () => boolean,
): Promise<void> {
  while (isRunning()) {
    const key = `top-up-${evidence.topUps.size + 1}`;
    evidence.topUps.set(key, false);
    await topUp(server, household, key)
      .then(() => evidence.topUps.set(key, true))
      .catch(() => undefined);
  }
}

/** What has been acknowledged since the load began. */
interface Progress {
  readonly readings: number;
  readonly paid: number;
}

/** A running load. */
export interface Load {
  progress(): Progress;
  /** Ends it, whether the server still answers or not. */
  stop(): Promise<void>;
}

/** Readings over WebSocket and MQTT, a device that hears them, completions and top-ups, all at the same time. */
export async function startLoad(
  server: ServerProcess,
  household: CrashHousehold,
  evidence: Evidence,
): Promise<Load> {
  let running = true;
  const isRunning = () => running;
  const [sensor, listener] = [clientOf(server, household.sensor), clientOf(server, household.listener)];
  onReading(listener, (offset, text) => evidence.heardAt.set(offset, text));
  await listener.connect();
  const machine = await provide(server, household.machine);
  const meter = await overMqtt(server, household.meter);
  const openAi = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: household.token, maxRetries: 0 });
  const work = [
    keepPublishing('sensor', await overWebSocket(sensor), evidence, isRunning),
    keepPublishing('meter', meter.publish, evidence, isRunning),
    ...Array.from({ length: PAYERS }, () => keepBuying(openAi, evidence, isRunning)),
    keepPaying(server, household, evidence, isRunning),
  ];
  const before = { readings: evidence.acceptedReadings.size, paid: evidence.paid.size };
  return {
    progress: () => ({
      readings: evidence.acceptedReadings.size - before.readings,
      paid: evidence.paid.size - before.paid,
    }),
    stop: async () => {
      running = false;
      for (const client of [sensor, listener, machine]) client.close();
      meter.close();
      await Promise.all(work);
    },
  };
}
