import {
  Ack,
  Delivery,
  encodeFrame,
  encodePayload,
  type FrameHeaderInit,
  FrameType,
  type FrameView,
  Hello,
  readFrame,
} from '../../proto/index.ts';
import { createRelayService } from '../../server/domains/relay/index.ts';
import type { RelayStore } from '../../server/domains/relay/ports.ts';
import type { Bus } from '../../server/kernel/bus.ts';
import { asId, type DeviceId } from '../../server/kernel/ids.ts';
import { createInProcessBus } from '../../server/platform/bus/in-process.ts';
import type { MqttConnection } from '../../server/platform/mqtt/types.ts';
import type { Socket } from '../../server/platform/websocket/types.ts';
import { createBifrostEndpoint } from '../../server/transports/bifrost/endpoint.ts';
import { createFrames } from '../../server/transports/frames/frames.ts';
import { downTopic, upTopic } from '../../server/transports/frames/topic-rules.ts';
import { createMqttEndpoint } from '../../server/transports/mqtt/endpoint.ts';
import { createRunningLimiter, type Limiter } from '../../server/transports/pipeline/limiter.ts';
import { createPipeline } from '../../server/transports/pipeline/pipeline.ts';
import { FakeClock, turn } from './clock.ts';
import { createTestConnections } from './connections.ts';
import { createServerCore } from './core.ts';
import { uuid } from './frames.ts';
import { silentLogger } from './logger.ts';
import { noAbuse, noRates } from './rates.ts';
import { testNetworkId, testPeer } from './relay-peer.ts';
import { MembershipsInMemory, RelayStoreInMemory } from './relay-store.ts';
import { PLENTY } from './storage-room.ts';

const core = createServerCore();
const secretOf = (device: number) => new Uint8Array(32).fill(device);

/** A device as a test drives it, whatever it is connected by. */
export interface TestDevice {
  readonly received: readonly FrameView[];
  /** False after the server has closed the connection. */
  readonly isOpen: boolean;
  /** Sends bytes; true: the server has acknowledged that they are kept, or taken where they aren't to be. */
  send(bytes: Uint8Array): Promise<boolean>;
  /** Acknowledges the stream up to what has been received. */
  acknowledge(): Promise<void>;
  /** Goes away. */
  leave(): void;
}

export type ChannelName = 'WebSocket' | 'MQTT' | 'MQTT, not subscribed';

const NOTHING = { state: {}, version: 0, changedAtMs: null };
const NO_SHADOW = { desired: NOTHING, reported: NOTHING };

/** What becomes of readings, results and refusals: nothing. */
const AREAS = {
  readings: { record: async () => undefined },
  commands: { answered: () => true },
  actions: {} as never,
  shadows: {
    report: async () => undefined,
    reportUnder: async () => NO_SHADOW,
    getOwn: async () => NO_SHADOW,
  },
  pairings: {} as never,
  routing: {} as never,
  paths: {} as never,
  rollouts: {} as never,
  refusals: { note: () => undefined },
  discovery: { announcesItself: async () => undefined },
  topicRights: {
    find: async () => null,
    follow: () => ({ rights: Promise.resolve(null), stop: () => undefined }),
  },
};

/** A server's messaging without database and network, for devices over both channels. */
export function createMessagingWorld<Store extends RelayStore = RelayStoreInMemory>(
  store: Store = new RelayStoreInMemory() as RelayStore as Store,
  memberships = new MembershipsInMemory(),
  bus: Bus = createInProcessBus({ logger: silentLogger }),
  limiter: Limiter = createRunningLimiter(),
) {
  const clock = new FakeClock();
  const { connections } = createTestConnections(clock);
  const room = { state: PLENTY };
  let ids = 500;
  const relay = createRelayService(
    { retentionMs: 1e9, streamFramesMax: 1_000 },
    {
      store,
      memberships,
      core,
      bus,
      clock,
      random: { uuid: () => uuid(ids++), bytes: (length) => new Uint8Array(length), fraction: () => 0 },
      logger: silentLogger,
      metrics: { frameForwarded() {}, frameDropped() {}, batchStored() {} },
      room: { requireRoom: () => room.state.requireRoom() },
    },
  );
  /** What happens while a device's token is looked at, after it was found. */
  const door = { found: async (): Promise<void> => {} };
  const devices = {
    authenticate: async (token: string) => {
      await door.found();
      const device = Number(/^token-(\d+)$/.exec(token)?.[1]);
      const deviceId = asId<DeviceId>(uuid(device));
      return {
        actor: { ...testPeer.actor, deviceId },
        memberships: [],
        signingKey: secretOf(device),
      };
    },
    recordSeen: async () => {},
  } as never;
  const pipeline = createPipeline({
    rates: noRates,
    abuse: noAbuse,
    limiter,
    audit: { begin: () => ({ run: (work: () => unknown) => work(), end: () => undefined }) } as never,
    clock,
    refused: () => {},
  });
  const frames = createFrames({ relay, devices, ...AREAS }, pipeline);
  const services = { frames, connections, relay, devices, ...AREAS, clock, logger: silentLogger };
  const webSocket = createBifrostEndpoint({ ...services, heartbeatIntervalMs: 20_000 });
  const mqtt = createMqttEndpoint(services);
  const connect = (channel: ChannelName, device: number) =>
    channel === 'WebSocket'
      ? connectWebSocket(webSocket, device)
      : connectMqtt(mqtt, device, channel === 'MQTT');
  return { relay, store, memberships, connections, bus, clock, door, connect };
}

/** A frame of a device, signed with its key. */
export function frameOf(
  device: number,
  nonce: number,
  changes: Partial<FrameHeaderInit> = {},
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const header = {
    type: FrameType.EVENT,
    delivery: Delivery.STORED,
    id: uuid(100_000 * device + nonce),
    networkId: testNetworkId,
    sourceId: uuid(device),
    nonce,
    ...changes,
  };
  const key = core.importKey(secretOf(device));
  return encodeFrame(header, payload, (signed, out, start) => core.signInto(key, signed, out, start));
}

let lastNonce = 0;

/** A nonce above all that this process used. */
export const nextNonce = () => ++lastNonce;

async function connectWebSocket(
  endpoint: ReturnType<typeof createBifrostEndpoint>,
  device: number,
): Promise<TestDevice> {
  const received: FrameView[] = [];
  const state = { isOpen: true };
  const socket: Socket = {
    unsentBytes: 0,
    remoteAddress: '192.0.2.1',
    send(message) {
      if (!state.isOpen) return 'dropped';
      received.push(readFrame(message.slice()));
      return 'sent';
    },
    close: () => leave(),
    belongsTo: () => undefined,
  };
  const request = { header: () => `Bearer token-${device}`, subprotocols: ['bifrost.v1'] };
  const handler = endpoint.opened(socket, request);
  const leave = () => {
    if (!state.isOpen) return;
    state.isOpen = false;
    handler.closed(1000);
  };
  const say = async (bytes: Uint8Array) => {
    if (state.isOpen) handler.received(bytes, true);
    await turn(4);
  };
  await say(
    frameOf(device, 0, { type: FrameType.HELLO, delivery: Delivery.TRANSIENT }, encodePayload(Hello, {})),
  );
  await turn();
  return {
    received,
    get isOpen() {
      return state.isOpen;
    },
    async send(bytes) {
      const before = received.length;
      await say(bytes);
      return received.slice(before).some(({ header }) => header.type === FrameType.ACK);
    },
    acknowledge: () => {
      const offset = Math.max(0, ...received.map(({ streamOffset }) => streamOffset));
      const ack = { type: FrameType.ACK, delivery: Delivery.TRANSIENT };
      return say(frameOf(device, nextNonce(), ack, encodePayload(Ack, { offset })));
    },
    leave,
  };
}

async function connectMqtt(
  endpoint: ReturnType<typeof createMqttEndpoint>,
  device: number,
  subscribes: boolean,
): Promise<TestDevice> {
  const received: FrameView[] = [];
  const tokens: number[] = [];
  const state = { isOpen: true };
  const deviceId = asId<DeviceId>(uuid(device));
  const session = await endpoint.authenticate({
    clientId: 'test',
    username: deviceId,
    password: new TextEncoder().encode(`token-${device}`),
    remoteAddress: '192.0.2.1',
  });
  if (session === null) throw new Error('the device was not let in');
  const connection: MqttConnection = {
    heardAtMs: 0,
    clientId: 'test',
    remoteAddress: '192.0.2.1',
    deliver(topic, payload, token) {
      if (!state.isOpen || topic !== downTopic(deviceId)) return false;
      received.push(readFrame(payload.slice()));
      if (token !== undefined) tokens.push(token);
      return true;
    },
    deliverMatching: () => false,
    close: () => leave(),
  };
  const leave = () => {
    if (!state.isOpen) return;
    state.isOpen = false;
    endpoint.disconnected(connection, session);
  };
  endpoint.connected(connection, session);
  if (subscribes) endpoint.subscribed(connection, session, downTopic(deviceId));
  await turn();
  return {
    received,
    get isOpen() {
      return state.isOpen;
    },
    async send(bytes) {
      if (!state.isOpen) return false;
      const before = received.length;
      const outcome = await endpoint.published(connection, session, upTopic(deviceId), bytes);
      // As the platform does with what was not taken.
      const isTaken = typeof outcome === 'boolean' ? outcome : outcome.isTold;
      if (!isTaken) leave();
      await turn(4);
      return isTaken && !received.slice(before).some(({ header }) => header.type === FrameType.ERROR);
    },
    async acknowledge() {
      for (const token of tokens.splice(0)) endpoint.acknowledged(connection, session, token);
      await turn(4);
    },
    leave,
  };
}
