import { describe, expect, it } from 'vitest';
import { Delivery, encodeFrame, FrameType, readFrame } from '../../../proto/index.ts';
import { WAITING_BYTES_MAX } from '../../../server/domains/relay/limits.ts';
import type { Cursor, StreamHead, StreamOwner } from '../../../server/domains/relay/ports.ts';
import { createRelayService } from '../../../server/domains/relay/service.ts';
import type {
  FrameToStore,
  Membership,
  StoreOutcome,
  StreamPosition,
} from '../../../server/domains/relay/types.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
import type { AppError } from '../../../server/kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { createInProcessBus } from '../../../server/platform/bus/in-process.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createServerCore } from '../../support/core.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { testNetworkId as networkId, testMembership, testPeer } from '../../support/relay-peer.ts';
import { PLENTY } from '../../support/storage-room.ts';

const core = createServerCore();
const secretOf = (device: number) => new Uint8Array(32).fill(device);

/** A stream in memory, with a commit whose answer can be lost. */
class StoreInMemory {
  readonly frames: { frameId: string; streamOffset: number; content: Uint8Array; source: string }[] = [];
  losesAnswer = false;
  beforeState = async () => {};
  findNonces = async () => ({ lastNonce: 0, recent: '' });
  cursor = 0;
  saveProgress = async (cursors: readonly Cursor[]) => {
    for (const { streamOffset } of cursors) this.cursor = Math.max(this.cursor, streamOffset);
  };
  forgetDevice = async () => {};
  beginCursor = async () => {};
  readHeads = async (): Promise<readonly StreamHead[]> => [];
  readState = async () => {
    await this.beforeState();
    return { epoch: 'e', head: this.frames.length, oldest: 1, cursor: this.cursor, joinedOffset: 0 };
  };
  readPage = async (reader: DeviceActor, _network: StreamOwner, after: number) =>
    this.frames.filter(({ streamOffset, source }) => streamOffset > after && source !== reader.deviceId);
  appendFrames = async (frames: readonly FrameToStore[]) => {
    const outcomes = frames.map(({ frameId, content, sourceId }): StoreOutcome => {
      const known = this.frames.find((frame) => frame.frameId === frameId);
      if (known) return { kind: 'stored', streamOffset: known.streamOffset, duplicate: true };
      const streamOffset = this.frames.length + 1;
      this.frames.push({ frameId, streamOffset, content, source: sourceId });
      return { kind: 'stored', streamOffset, duplicate: false };
    });
    if (!this.losesAnswer) return outcomes;
    this.losesAnswer = false;
    throw new Error('the connection is lost');
  };
}

function setUp() {
  const store = new StoreInMemory();
  const memberships = {
    findMemberships: async (_device: DeviceActor): Promise<readonly Membership[] | null> => [testMembership],
    isMember: async () => true,
  };
  const bus = createInProcessBus({ logger: silentLogger });
  let ids = 500;
  const relay = createRelayService(
    { retentionMs: 1e9, streamFramesMax: 1_000 },
    {
      store: store as never,
      core,
      memberships,
      bus,
      clock: new FakeClock(),
      random: { uuid: () => uuid(ids++), bytes: (length) => new Uint8Array(length), fraction: () => 0 },
      logger: silentLogger,
      metrics: { frameForwarded() {}, frameDropped() {}, batchStored() {} },
      room: PLENTY,
    },
  );
  const closed: [number, string][] = [];
  const changed: number[] = [];
  const connect = (device: number) =>
    relay.connected(
      {
        actor: { ...testPeer.actor, deviceId: asId<DeviceId>(uuid(device)) },
        signingKey: secretOf(device),
      },
      {
        close: ({ code }) => void closed.push([device, code]),
        membershipsChanged: () => void changed.push(device),
      },
    );
  const frame = (device: number, number: number, changes = {}, payload = new Uint8Array(1)) => {
    const key = core.importKey(secretOf(device));
    const id = uuid(10_000 + number);
    const header = { type: FrameType.EVENT, delivery: Delivery.STORED, id, networkId, nonce: number };
    const bytes = encodeFrame({ ...header, sourceId: uuid(device), ...changes }, payload, (signed, out, at) =>
      core.signInto(key, signed, out, at),
    );
    return readFrame(bytes);
  };
  return { relay, store, bus, memberships, connect, closed, changed, frame };
}

it('delivers what was committed without the server hearing of it', async () => {
  const { relay, store, connect, frame } = setUp();
  const [source, reader] = [await connect(31), await connect(32)];
  const received: number[] = [];
  const channel = {
    windowFrames: 100,
    deliver: (_: Uint8Array, offset: number) => received.push(offset) > 0,
  };
  const { session } = await relay.openSession(reader, networkId, channel, null);
  session.start();
  await turn();
  const send = (number: number, nonce = number) => {
    const sent = frame(31, number, { nonce });
    relay.accept(source, sent);
    return relay.forward(source, sent);
  };
  await send(1);
  store.losesAnswer = true;
  await expect(send(2)).rejects.toMatchObject({ code: 'unavailable' });
  await send(3);
  await turn();
  expect(received).toEqual([1, 2, 3]);
  expect(await send(2)).toBe(2);
});

describe('a device that comes back before what it acknowledged is saved', () => {
  /** A reader that has acknowledged the first two of three frames; `open` makes its session anew. */
  async function acknowledgedTwo() {
    const { relay, store, connect, frame } = setUp();
    const [source, reader] = [await connect(31), await connect(32)];
    const received: number[] = [];
    const channel = {
      windowFrames: 100,
      deliver: (_: Uint8Array, offset: number) => received.push(offset) > 0,
    };
    const open = async (resume: StreamPosition | null = null) => {
      received.length = 0;
      const { session } = await relay.openSession(reader, networkId, channel, resume);
      session.start();
      await turn();
      return session;
    };
    for (const number of [1, 2, 3]) {
      const sent = frame(31, number);
      relay.accept(source, sent);
      await relay.forward(source, sent);
    }
    const session = await open();
    session.acknowledge(2);
    return { relay, store, session, open, received };
  }

  it('gets only what came after, though its session ended meanwhile', async () => {
    const { relay, store, session, open, received } = await acknowledgedTwo();
    let save = () => {};
    const saved = new Promise<void>((resolve) => {
      save = resolve;
    });
    const saveProgress = store.saveProgress;
    store.saveProgress = (cursors) => saved.then(() => saveProgress(cursors));
    relay.closeSession(session);
    await open();
    expect(received).toEqual([3]);
    save();
    await turn();
    expect(store.cursor).toBe(2);
  });

  it('gets only what came after, though a new session took the place of the old one', async () => {
    const { open, received, store } = await acknowledgedTwo();
    await open();
    expect(received).toEqual([3]);
    await turn();
    expect(store.cursor).toBe(2);
  });

  it('gets all that it has not acknowledged, though a session between began behind that', async () => {
    const { open, received } = await acknowledgedTwo();
    await open({ epoch: 'another', offset: 9 });
    expect(received).toEqual([]);
    await open();
    expect(received).toEqual([3]);
  });

  it('and what could not be saved is saved later, wherever the device goes on', async () => {
    const { relay, store, session, open, received } = await acknowledgedTwo();
    const { saveProgress } = store;
    store.saveProgress = async () => {
      throw new Error('the connection is lost');
    };
    relay.closeSession(session);
    await turn();
    store.saveProgress = saveProgress;
    const again = await open({ epoch: 'e', offset: 0 });
    expect(received).toEqual([1, 2, 3]);
    again.acknowledge(1);
    await relay.saveProgress();
    expect(store.cursor).toBe(2);
  });
});

it('does not let an older connection end the session of a newer one', async () => {
  const { relay, store, connect, closed } = setUp();
  const channel = { windowFrames: 100, deliver: () => true };
  let goOn = () => {};
  store.beforeState = () =>
    new Promise<void>((resolve) => {
      goOn = resolve;
    });
  const older = await connect(31);
  const late = relay.openSession(older, networkId, channel, null);
  store.beforeState = async () => {};
  await relay.openSession(await connect(31), networkId, channel, null);
  goOn();
  await expect(late).rejects.toMatchObject({ code: 'session_replaced' });
  expect([closed, relay.sessionCount]).toEqual([[], 1]);
});

it('opens no session for a connection that ended meanwhile', async () => {
  const { relay, store, connect } = setUp();
  const peer = await connect(31);
  store.beforeState = async () => relay.disconnected(peer);
  const channel = { windowFrames: 100, deliver: () => true };
  await expect(relay.openSession(peer, networkId, channel, null)).rejects.toMatchObject({
    code: 'unauthenticated',
  });
  expect(relay.sessionCount).toBe(0);
});

it('refuses to connect a device that was removed after it showed its token', async () => {
  const { memberships, connect } = setUp();
  memberships.findMemberships = async () => null;
  await expect(connect(31)).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('ends every connection of a device that is forgotten', async () => {
  const { relay, connect, closed } = setUp();
  await connect(31);
  await connect(31);
  await connect(32);
  await relay.forget(asId<DeviceId>(uuid(31)));
  expect(closed).toEqual([
    [31, 'unauthenticated'],
    [31, 'unauthenticated'],
  ]);
});

it('refuses frames when too many bytes wait to be stored', async () => {
  const { relay, store, connect, frame } = setUp();
  store.appendFrames = () => new Promise(() => {});
  const source = await connect(31);
  const payload = new Uint8Array(200_000);
  const outcomes: string[] = [];
  for (let number = 1; number <= WAITING_BYTES_MAX / 200_000 + 1; number++) {
    const sent = frame(31, number, { destinationId: uuid(32) }, payload);
    Promise.resolve(relay.forward(source, sent)).catch(({ code }: AppError) => outcomes.push(code));
  }
  await turn();
  expect(new Set(outcomes)).toEqual(new Set(['unavailable']));
});

describe('a device whose networks change while it is connected', () => {
  const other: Membership = { ...testMembership, networkId: asId<NetworkId>(uuid(9)) };

  it('sends and receives in the network it joined', async () => {
    const { relay, memberships, connect, changed, frame } = setUp();
    const source = await connect(31);
    const sent = () => frame(31, 1, { networkId: other.networkId });
    expect(() => relay.accept(source, sent())).toThrow('Network not found');
    memberships.findMemberships = async () => [testMembership, other];
    await relay.joined(other.networkTenantId, {
      networkId: other.networkId,
      deviceId: source.actor.deviceId,
    });
    relay.accept(source, sent());
    expect([changed, [...source.memberships.keys()]]).toEqual([
      [31, 31],
      [networkId, other.networkId],
    ]);
  });

  it('neither sends nor receives in the network it left, from that moment on', async () => {
    const { relay, memberships, connect, closed, changed, frame } = setUp();
    const [source, reader] = [await connect(31), await connect(32)];
    const received: number[] = [];
    const channel = {
      windowFrames: 100,
      deliver: (_: Uint8Array, offset: number) => received.push(offset) > 0,
    };
    const { session } = await relay.openSession(reader, networkId, channel, null);
    session.start();
    await turn();
    memberships.findMemberships = async ({ deviceId }) => (deviceId === uuid(32) ? [] : [testMembership]);
    await relay.left({ networkId, deviceId: reader.actor.deviceId });
    relay.accept(source, frame(31, 1));
    await relay.forward(source, frame(31, 1));
    await turn();
    expect([received, closed, changed, relay.sessionCount]).toEqual([[], [], [31, 32, 32], 0]);
    expect(() => relay.accept(reader, frame(32, 2))).toThrow('Network not found');
  });

  it('keeps what was read last, in whatever order two reads come back', async () => {
    const { relay, memberships, connect } = setUp();
    const source = await connect(31);
    const { deviceId } = source.actor;
    let answerEarlier: (memberships: readonly Membership[]) => void = () => {};
    memberships.findMemberships = () =>
      new Promise<readonly Membership[]>((resolve) => {
        answerEarlier = resolve;
      });
    const earlier = relay.left({ networkId: other.networkId, deviceId });
    memberships.findMemberships = async () => [other];
    await relay.joined(other.networkTenantId, { networkId: other.networkId, deviceId });
    answerEarlier([testMembership]);
    await earlier;
    expect([...source.memberships.keys()]).toEqual([other.networkId]);
  });
});

describe('what other nodes store', () => {
  const reading = async () => {
    const world = setUp();
    const reader = await world.connect(32);
    const received: number[] = [];
    const channel = {
      windowFrames: 100,
      deliver: (_: Uint8Array, offset: number) => received.push(offset) > 0,
    };
    const { session } = await world.relay.openSession(reader, networkId, channel, null);
    session.start();
    await turn();
    const elsewhere = (number: number) => {
      const streamOffset = world.store.frames.length + 1;
      const { bytes, contentLength } = world.frame(33, number);
      const content = bytes.slice(0, contentLength);
      world.store.frames.push({ frameId: uuid(20_000 + number), streamOffset, content, source: uuid(33) });
      return streamOffset;
    };
    return { ...world, received, elsewhere };
  };

  it('is read when a message tells of it', async () => {
    const { bus, received, elsewhere } = await reading();
    bus.publish(`network.${networkId}`, { kind: 'stream.head', networkId, head: elsewhere(1) });
    await turn();
    expect(received).toEqual([1]);
  });

  it('is read before what this node stores next, without any message', async () => {
    const { relay, connect, frame, received, elsewhere } = await reading();
    elsewhere(1);
    const source = await connect(31);
    relay.accept(source, frame(31, 2));
    expect(await relay.forward(source, frame(31, 2))).toBe(2);
    await turn();
    expect(received).toEqual([1, 2]);
  });

  it('is found by looking when no message came and nothing else is said', async () => {
    const { relay, store, received, elsewhere } = await reading();
    elsewhere(1);
    store.readHeads = async () => [{ networkId, head: store.frames.length }];
    await relay.checkHeads();
    await turn();
    expect(received).toEqual([1]);
  });
});
