import { expect, it } from 'vitest';
import { Delivery, encodeFrame, FrameType, readFrame } from '../../../proto/index.ts';
import type { Membership } from '../../../server/domains/devices/index.ts';
import { WAITING_BYTES_MAX } from '../../../server/domains/relay/limits.ts';
import { createRelayService } from '../../../server/domains/relay/service.ts';
import type { FrameToStore } from '../../../server/domains/relay/types.ts';
import type { AppError } from '../../../server/kernel/errors.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createServerCore } from '../../support/core.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { testNetworkId as networkId, testPeer } from '../../support/relay-peer.ts';

const core = createServerCore();
const secretOf = (device: number) => new Uint8Array(32).fill(device);

/** A stream in memory, with a commit whose answer can be lost. */
class StoreInMemory {
  readonly frames: { frameId: string; streamOffset: number; content: Uint8Array; source: string }[] = [];
  losesAnswer = false;
  beforeState = async () => {};
  findLastNonce = async () => 0;
  saveProgress = async () => {};
  forgetDevice = async () => {};
  forgetCursor = async () => {};
  beginCursor = async () => {};
  readState = async () => {
    await this.beforeState();
    return { epoch: 'e', head: this.frames.length, oldest: 1, cursor: 0 };
  };
  readPage = async (_tenant: string, _network: string, device: string, after: number) =>
    this.frames.filter(({ streamOffset, source }) => streamOffset > after && source !== device);
  appendFrames = async (frames: readonly FrameToStore[]) => {
    const outcomes = frames.map(({ frameId, content, peer }) => {
      const known = this.frames.find((frame) => frame.frameId === frameId);
      if (known) return { streamOffset: known.streamOffset, duplicate: true };
      const streamOffset = this.frames.length + 1;
      this.frames.push({ frameId, streamOffset, content, source: peer.actor.deviceId });
      return { streamOffset, duplicate: false };
    });
    if (!this.losesAnswer) return outcomes;
    this.losesAnswer = false;
    throw new Error('the connection is lost');
  };
}

function setUp() {
  const store = new StoreInMemory();
  const members: {
    findMemberships: () => Promise<readonly Membership[] | null>;
    isMember: () => Promise<boolean>;
  } = {
    findMemberships: async () => [{ networkId, tenantId: testPeer.actor.tenantId, joinedAtMs: 0 }],
    isMember: async () => true,
  };
  let ids = 500;
  const relay = createRelayService(
    { retentionMs: 1e9, streamFramesMax: 1_000 },
    {
      store: store as never,
      core,
      devices: () => members as never,
      clock: new FakeClock(),
      random: { uuid: () => uuid(ids++), bytes: (length) => new Uint8Array(length), fraction: () => 0 },
      logger: silentLogger,
      metrics: { frameForwarded() {}, frameDropped() {}, batchStored() {} },
    },
  );
  const closed: [number, string][] = [];
  const connect = (device: number) =>
    relay.connected(
      {
        actor: { ...testPeer.actor, deviceId: uuid(device) },
        memberships: [],
        signingKey: secretOf(device),
      } as never,
      ({ code }: AppError) => closed.push([device, code]),
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
  return { relay, store, members, connect, closed, frame };
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
  const { members, connect } = setUp();
  members.findMemberships = async () => null;
  await expect(connect(31)).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('ends every connection of a device that is forgotten', async () => {
  const { relay, connect, closed } = setUp();
  await connect(31);
  await connect(31);
  await connect(32);
  await relay.forget(uuid(31) as never);
  expect(closed).toEqual([
    [31, 'unauthenticated'],
    [31, 'unauthenticated'],
  ]);
});

it('ends every connection of a device that left a network, or joined one', async () => {
  const { relay, connect, closed } = setUp();
  await connect(31);
  await connect(32);
  await relay.left(uuid(31) as never, networkId);
  expect(closed).toEqual([[31, 'unavailable']]);
  await relay.joined({ tenantId: testPeer.actor.tenantId, deviceId: uuid(32) as never }, networkId);
  expect(closed).toEqual([
    [31, 'unavailable'],
    [32, 'unavailable'],
  ]);
});

it('refuses frames when too many bytes wait for the look-up of their receiver', async () => {
  const { relay, members, connect, frame } = setUp();
  members.isMember = () => new Promise(() => {});
  const source = await connect(31);
  const payload = new Uint8Array(200_000);
  const outcomes: string[] = [];
  for (let number = 1; number <= WAITING_BYTES_MAX / 200_000 + 1; number++) {
    const sent = frame(31, number, { destinationId: uuid(32) }, payload);
    relay.forward(source, sent).catch(({ code }: AppError) => outcomes.push(code));
  }
  await turn();
  expect(new Set(outcomes)).toEqual(new Set(['unavailable']));
});
