import { describe, expect, it } from 'vitest';
import {
  Delivery,
  decodePayload,
  ErrorPayload,
  errorCodeName,
  FrameType,
  REPLAY_WINDOW_NONCES,
} from '../../../proto/index.ts';
import { relayError } from '../../../server/domains/relay/index.ts';
import { QUESTIONS_MAX } from '../../../server/domains/relay/limits.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { FRAMES_PER_TURN } from '../../../server/transports/bifrost/limits.ts';
import { SEND_WINDOW_FRAMES, WRONG_FRAMES_MAX } from '../../../server/transports/frames/limits.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { turn } from '../../support/clock.ts';
import {
  type ChannelName,
  createMessagingWorld,
  frameOf,
  nextNonce,
  type TestDevice,
} from '../../support/device-channels.ts';
import { uuid } from '../../support/frames.ts';
import { testMembership, testNetworkId } from '../../support/relay-peer.ts';
import { RelayStoreInMemory } from '../../support/relay-store.ts';

const [SENDER, READER] = [31, 32];
/** In how many turns of the event loop as many frames as a window has are looked at. */
const TURNS = Math.ceil(SEND_WINDOW_FRAMES / FRAMES_PER_TURN) + 1;
const transient = { delivery: Delivery.TRANSIENT };
const stored = (changes = {}) => frameOf(SENDER, nextNonce(), changes);
const ping = () => frameOf(SENDER, nextNonce(), { type: FrameType.PING, ...transient });
const nonsense = new Uint8Array([1, 2, 3]);
const typesOf = (device: TestDevice) => device.received.map(({ header }) => FrameType[header.type]);
const offsetsOf = (device: TestDevice) =>
  device.received.flatMap(({ streamOffset }) => (streamOffset === 0 ? [] : [streamOffset]));
const errorsOf = (device: TestDevice) =>
  device.received
    .filter(({ header }) => header.type === FrameType.ERROR)
    .map(({ header, payload }) => [
      errorCodeName(decodePayload(ErrorPayload, payload).code),
      header.correlationId,
    ]);

describe.each<ChannelName>(['WebSocket', 'MQTT'])('a device over %s', (channel) => {
  const setUp = async () => {
    const world = createMessagingWorld();
    return {
      ...world,
      sender: await world.connect(channel, SENDER),
      reader: await world.connect(channel, READER),
    };
  };

  it('is answered a PING', async () => {
    const { sender } = await setUp();
    await sender.send(ping());
    expect(typesOf(sender).at(-1)).toBe('PONG');
  });

  it('hears that its STORED frame is kept, and the others get it with the next offset', async () => {
    const { sender, reader, store } = await setUp();
    expect([await sender.send(stored()), await sender.send(stored())]).toEqual([true, true]);
    expect([offsetsOf(reader), offsetsOf(sender), store.frames.length]).toEqual([[1, 2], [], 2]);
  });

  it('sends a TRANSIENT frame to those who are connected, and keeps nothing', async () => {
    const { sender, reader, store } = await setUp();
    await sender.send(frameOf(SENDER, nextNonce(), transient));
    expect([typesOf(reader).at(-1), store.frames.length]).toEqual(['EVENT', 0]);
  });

  it('goes on where it acknowledged when it comes again', async () => {
    const { relay, sender, reader, connect } = await setUp();
    for (let count = 0; count < 3; count++) await sender.send(stored());
    await reader.acknowledge();
    await sender.send(stored());
    reader.leave();
    await relay.saveProgress();
    expect(offsetsOf(await connect(channel, READER))).toEqual([4]);
  });

  it(`may get ${WRONG_FRAMES_MAX} frames in a row wrong, and no more`, async () => {
    const { sender } = await setUp();
    for (let count = 0; count < WRONG_FRAMES_MAX; count++) await sender.send(nonsense);
    expect(sender.isOpen).toBe(true);
    await sender.send(nonsense);
    expect([sender.isOpen, errorsOf(sender).length]).toEqual([false, WRONG_FRAMES_MAX + 1]);
  });

  it.each<[string, () => Uint8Array]>([
    ['PING', ping],
    ['STORED frame', stored],
    ['TRANSIENT frame', () => frameOf(SENDER, nextNonce(), transient)],
  ])('may get as many frames wrong as it likes when each is followed by a good %s', async (_name, good) => {
    const { sender } = await setUp();
    for (let count = 0; count < WRONG_FRAMES_MAX + 1; count++) {
      await sender.send(nonsense);
      await sender.send(good());
    }
    expect(sender.isOpen).toBe(true);
  });

  it.each<[string, () => Uint8Array, string]>([
    ['is no frame', () => nonsense, 'frame_malformed'],
    ['comes from somebody else', () => frameOf(READER, nextNonce()), 'frame_source_wrong'],
    ['was changed', () => stored().with(-1, 0).with(-2, 0), 'frame_signature_wrong'],
    ['is for a foreign network', () => stored({ networkId: uuid(9) }), 'network_not_found'],
    [
      'is of a type that only the server sends',
      () => stored({ type: FrameType.WELCOME }),
      'frame_type_unexpected',
    ],
    ['is of a type that is none', () => stored({ type: 99 }), 'frame_type_unexpected'],
    ['is for itself', () => stored({ destinationId: uuid(SENDER) }), 'frame_destination_unknown'],
  ])('is told why a frame that %s is refused, and nothing is kept', async (_name, bytes, code) => {
    const { sender, store } = await setUp();
    await sender.send(bytes());
    expect([errorsOf(sender).map(([name]) => name), sender.isOpen, store.frames]).toEqual([[code], true, []]);
  });

  it('hears again that a STORED frame is kept when it sends it again, and the others get it once', async () => {
    const { sender, reader, store } = await setUp();
    const bytes = stored();
    expect([await sender.send(bytes), await sender.send(bytes)]).toEqual([true, true]);
    expect([errorsOf(sender), offsetsOf(reader), store.frames.length]).toEqual([[], [1], 1]);
  });

  it('hears of both copies of a STORED frame that it sends again before the first is kept', async () => {
    const { sender, store } = await setUp();
    const bytes = stored();
    expect(await Promise.all([sender.send(bytes), sender.send(bytes)])).toEqual([true, true]);
    expect([errorsOf(sender), store.frames.length]).toEqual([[], 1]);
  });

  it('may send a STORED frame again after later ones', async () => {
    const { sender, reader, store } = await setUp();
    const [first, second, third] = [stored(), stored(), stored()];
    for (const bytes of [second, third, first]) expect(await sender.send(bytes)).toBe(true);
    expect([errorsOf(sender), offsetsOf(reader), store.frames.length]).toEqual([[], [1, 2, 3], 3]);
  });

  it('is refused another STORED frame under a nonce that it has used', async () => {
    const { sender, store } = await setUp();
    const nonce = nextNonce();
    const [first, second] = [uuid(1), uuid(2)].map((id) => frameOf(SENDER, nonce, { id }));
    expect([await sender.send(first as Uint8Array), await sender.send(second as Uint8Array)]).toEqual([
      true,
      false,
    ]);
    expect([errorsOf(sender), store.frames.length]).toEqual([[['frame_replayed', uuid(2)]], 1]);
  });

  it('is refused a TRANSIENT frame that it sent before, and a STORED one from below the window, and told the last nonce', async () => {
    const { sender, reader, store } = await setUp();
    const [old, again] = [stored(), frameOf(SENDER, nextNonce(), transient)];
    await sender.send(again);
    await sender.send(again);
    const far = nextNonce() + REPLAY_WINDOW_NONCES;
    await sender.send(frameOf(SENDER, far, transient));
    expect(await sender.send(old)).toBe(false);
    const errors = sender.received.filter(({ header }) => header.type === FrameType.ERROR);
    expect(errors.map(({ payload }) => decodePayload(ErrorPayload, payload).lastNonce)).toEqual([
      far - REPLAY_WINDOW_NONCES - 1,
      far,
    ]);
    expect([errorsOf(sender).map(([name]) => name), store.frames]).toEqual([
      ['frame_replayed', 'frame_replayed'],
      [],
    ]);
    expect(reader.received.filter(({ header }) => header.sourceId === uuid(SENDER))).toHaveLength(2);
  });

  it('gets no acknowledgement where too much is running for it, and may send it again as it is', async () => {
    let isFull = false;
    const limiter = { enter: () => !isFull, leave: () => undefined };
    const { connect, store } = createMessagingWorld(new RelayStoreInMemory(), undefined, undefined, limiter);
    const sender = await connect(channel, SENDER);
    const bytes = stored();
    isFull = true;
    expect(await sender.send(bytes)).toBe(false);
    isFull = false;
    const again = sender.isOpen ? sender : await connect(channel, SENDER);
    expect([await again.send(bytes), store.frames.length]).toEqual([true, 1]);
  });

  it('gets no acknowledgement for what could not be kept, and may send it again as it is', async () => {
    const { sender, store, connect } = await setUp();
    store.fate = () => 'refused';
    const bytes = stored();
    expect(await sender.send(bytes)).toBe(false);
    // Over MQTT nothing but the end of the connection says that it was not kept.
    expect(sender.isOpen).toBe(channel === 'WebSocket');
    store.fate = () => 'kept';
    const again = sender.isOpen ? sender : await connect(channel, SENDER);
    expect([await again.send(bytes), store.frames.length]).toEqual([true, 1]);
  });

  it('is told that there is no room for its frame, however often it tries, and may send it again as it is', async () => {
    const { sender, reader, store, connect } = await setUp();
    store.fate = () => 'no room';
    const bytes = stored();
    expect(await sender.send(bytes)).toBe(false);
    expect(errorsOf(sender).map(([name]) => name)).toEqual(['storage_quota_exceeded']);
    expect([sender.isOpen, reader.isOpen]).toEqual([channel === 'WebSocket', true]);
    for (let count = 0; sender.isOpen && count <= WRONG_FRAMES_MAX; count++) await sender.send(stored());
    expect(sender.isOpen).toBe(channel === 'WebSocket');
    store.fate = () => 'kept';
    const again = sender.isOpen ? sender : await connect(channel, SENDER);
    expect([await again.send(bytes), store.frames.length]).toEqual([true, 1]);
  });

  it('may have as many STORED frames without an answer as WELCOME says; one more ends its connection', async () => {
    const { sender, reader, store } = await setUp();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    store.beforeAppend = () => held;
    const sent = Array.from({ length: SEND_WINDOW_FRAMES }, () => sender.send(stored()));
    await turn();
    expect(sender.isOpen).toBe(true);
    const others = reader.send(frameOf(READER, nextNonce()));
    sent.push(sender.send(stored()));
    await turn();
    release();
    await Promise.all([...sent, others]);
    await turn();
    expect([sender.isOpen, reader.isOpen]).toEqual([false, true]);
    expect(store.frames).toHaveLength(SEND_WINDOW_FRAMES + 1);
  });

  it('may send that many again once they are answered', async () => {
    const { sender } = await setUp();
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: SEND_WINDOW_FRAMES }, () => sender.send(stored())));
    }
    expect(sender.isOpen).toBe(true);
  });

  it('has what it sent before it left kept, in its order, however much it was', async () => {
    const { sender, store } = await setUp();
    const sent = Array.from({ length: SEND_WINDOW_FRAMES / 2 }, (_, index) =>
      sender.send(stored({ id: uuid(index + 1) })),
    );
    sender.leave();
    await Promise.all(sent);
    await turn();
    expect(store.frames.map(({ frameId }) => frameId)).toEqual(sent.map((_, index) => uuid(index + 1)));
  });

  it('may send any number of TRANSIENT frames to somebody who is away, and the database is asked for few', async () => {
    const { sender, memberships } = await setUp();
    const gone = { ...transient, destinationId: uuid(77) };
    const sent = Array.from({ length: SEND_WINDOW_FRAMES + 1 }, () =>
      sender.send(frameOf(SENDER, nextNonce(), gone)),
    );
    await Promise.all(sent);
    await turn();
    expect(sender.isOpen).toBe(true);
    expect(memberships.asked).toBeLessThanOrEqual(TURNS * QUESTIONS_MAX);
    const before = memberships.asked;
    await sender.send(frameOf(SENDER, nextNonce(), gone));
    expect(memberships.asked).toBe(before + 1);
  });

  it('is cut off at once when somebody ends its connections', async () => {
    const { connections, sender, reader } = await setUp();
    const deviceId = asId<DeviceId>(uuid(READER));
    expect(connections.end({ deviceId }, relayError('unauthenticated'))).toBe(1);
    expect([sender.isOpen, reader.isOpen, connections.isOnline(deviceId)]).toEqual([true, false, false]);
    await sender.send(stored());
    expect(offsetsOf(reader)).toEqual([]);
  });

  it.each([
    ['while it is looked at', 'before'],
    ['as soon as it has let the device in', 'after'],
  ])('is not connected by a token that is revoked %s', async (_when, order) => {
    const { connections, connect, door } = createMessagingWorld();
    const revoke = () => connections.end({ credentialId: TEST_CREDENTIAL_ID }, relayError('unauthenticated'));
    let letIn = () => {};
    door.found = () =>
      new Promise((resolve) => {
        letIn = resolve;
      });
    const connecting = connect(channel, SENDER).catch(() => null);
    await turn();
    const ended = order === 'before' ? [revoke()] : [];
    letIn();
    await turn();
    if (order === 'after') ended.push(revoke());
    const device = await connecting;
    await turn();
    expect([ended, device?.isOpen ?? false, connections.count]).toEqual([
      [order === 'before' ? 0 : 1],
      false,
      0,
    ]);
    expect(device === null ? [] : typesOf(device)).not.toContain('ACK');
  });

  it('is cut off when it is removed, and what it still says is not heard', async () => {
    const { relay, memberships, sender, store, connect } = await setUp();
    memberships.changed.set(uuid(SENDER), null);
    await relay.forget(asId<DeviceId>(uuid(SENDER)));
    expect([sender.isOpen, await sender.send(stored()), store.frames]).toEqual([false, false, []]);
    const late = await connect(channel, SENDER).catch(() => null);
    expect(late?.isOpen ?? false).toBe(false);
  });

  it('hears and says nothing in a network that it has left', async () => {
    const { relay, memberships, sender, reader, store } = await setUp();
    memberships.changed.set(uuid(READER), []);
    await relay.left({ networkId: testNetworkId, deviceId: asId<DeviceId>(uuid(READER)) });
    await sender.send(stored());
    await reader.send(frameOf(READER, nextNonce()));
    expect([offsetsOf(reader), store.frames.length]).toEqual([[], 1]);
  });

  it('sends to a network that it joined while connected', async () => {
    const { relay, memberships, sender, store } = await setUp();
    const joined = { ...testMembership, networkId: asId<NetworkId>(uuid(9)) };
    memberships.changed.set(uuid(SENDER), [testMembership, joined]);
    const device = { networkId: joined.networkId, deviceId: asId<DeviceId>(uuid(SENDER)) };
    await relay.joined(joined.networkTenantId, device);
    expect([await sender.send(stored({ networkId: uuid(9) })), store.frames.length]).toEqual([true, 1]);
  });

  it('is replaced by its next connection', async () => {
    const { reader, sender, connect } = await setUp();
    const next = await connect(channel, READER);
    await sender.send(stored());
    expect([reader.isOpen, next.isOpen, offsetsOf(reader), offsetsOf(next)]).toEqual([false, true, [], [1]]);
  });

  it('leaves nothing behind when it goes away', async () => {
    const { relay, connections, reader, sender } = await setUp();
    reader.leave();
    sender.leave();
    await turn();
    expect([relay.sessionCount, connections.count]).toEqual([0, 0]);
  });
});

describe('what only one channel can do', () => {
  it('a device over MQTT that is not subscribed, and so can not be told why its frame is refused, is cut off instead', async () => {
    const { connect } = createMessagingWorld();
    for (const bytes of [nonsense, stored({ destinationId: uuid(SENDER) })]) {
      const sender = await connect('MQTT, not subscribed', SENDER);
      expect([await sender.send(bytes), sender.isOpen]).toEqual([false, false]);
    }
  });

  it('a device over MQTT that is not subscribed may send a TRANSIENT frame again: it was taken', async () => {
    const { connect } = createMessagingWorld();
    const sender = await connect('MQTT, not subscribed', SENDER);
    const bytes = frameOf(SENDER, nextNonce(), transient);
    expect([await sender.send(bytes), await sender.send(bytes), sender.isOpen]).toEqual([true, true, true]);
  });

  it('a device over MQTT goes on in its other networks when it leaves one', async () => {
    const { relay, memberships, connect } = createMessagingWorld();
    const other = { ...testMembership, networkId: asId<NetworkId>(uuid(9)) };
    memberships.changed.set(uuid(READER), [testMembership, other]);
    const reader = await connect('MQTT', READER);
    expect(relay.sessionCount).toBe(2);
    memberships.changed.set(uuid(READER), [other]);
    await relay.left({ networkId: testNetworkId, deviceId: asId<DeviceId>(uuid(READER)) });
    expect([relay.sessionCount, reader.isOpen]).toEqual([1, true]);
  });

  it('a device over MQTT follows a network that it joins while connected', async () => {
    const { relay, memberships, connect } = createMessagingWorld();
    const [reader, sender] = [await connect('MQTT', READER), await connect('MQTT', SENDER)];
    const other = { ...testMembership, networkId: asId<NetworkId>(uuid(9)) };
    for (const device of [READER, SENDER]) {
      memberships.changed.set(uuid(device), [testMembership, other]);
      const deviceId = asId<DeviceId>(uuid(device));
      await relay.joined(other.networkTenantId, { networkId: other.networkId, deviceId });
    }
    await turn();
    await sender.send(stored({ networkId: uuid(9) }));
    expect(offsetsOf(reader)).toEqual([1]);
  });

  it('a WebSocket ends when its device leaves the network it named', async () => {
    const { relay, memberships, connect } = createMessagingWorld();
    const reader = await connect('WebSocket', READER);
    memberships.changed.set(uuid(READER), []);
    await relay.left({ networkId: testNetworkId, deviceId: asId<DeviceId>(uuid(READER)) });
    expect(reader.isOpen).toBe(false);
  });
});
