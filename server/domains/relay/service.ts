import {
  completeFrame,
  Delivery,
  encodeFrame,
  FrameType,
  type FrameView,
  SIGNATURE_BYTES,
  STORED_CONTENT_BYTES_MAX,
  unsignedFrame,
} from '../../../proto/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { DeviceIdentity, DeviceService, Membership, Presence } from '../devices/index.ts';
import { DeliverySession, NIL_UUID } from './delivery-session.ts';
import { relayError } from './errors.ts';
import type { Cursor, RelayCore, RelayMetrics, RelayStore } from './ports.ts';
import { checkForwarding, checkNetwork, checkSource, planResume, tenantOf } from './rules.ts';
import { Sessions } from './sessions.ts';
import { Sources } from './sources.ts';
import { StreamWriter } from './stream-writer.ts';
import type { DeliveryChannel, FrameToStore, Peer, StreamPosition } from './types.ts';

export interface RelayOptions {
  /** Stored frames older than this are removed. */
  readonly retentionMs: number;
  /** The newest frames a network keeps. */
  readonly streamFramesMax: number;
}

export interface RelayService extends Presence {
  /**
   * A device connected. Its frames are accepted from now on, until `disconnected`; `close` ends the connection when the
   * relay wants it. Refuses with `unauthenticated` a device that was removed meanwhile.
   */
  connected(identity: DeviceIdentity, close: Peer['close']): Promise<Peer>;
  disconnected(peer: Peer): void;
  /** The last nonce accepted from this device. */
  lastNonce(peer: Peer): number;
  /**
   * Makes sure that a frame is this peer's, genuine, of one of its networks and, but for HELLO, new: in this order.
   * Refuses with `frame_source_wrong`, `frame_signature_wrong`, `network_not_found`, `frame_replayed`.
   */
  accept(peer: Peer, frame: FrameView): void;
  /**
   * Forwards an accepted frame. A STORED frame's position in the stream, once it is kept; 0 for a TRANSIENT one.
   * Refuses with `frame_type_unexpected`, `frame_malformed`, `frame_too_large`, `frame_destination_unknown`,
   * `unavailable`.
   */
  forward(peer: Peer, frame: FrameView): Promise<number>;
  /**
   * Opens a session for delivery; one of an earlier connection of the device in this network ends. Nothing is sent before
   * `start`. Refuses with `network_not_found`, with `session_replaced` where a later connection has one, and with
   * `unauthenticated` when the connection is over.
   */
  openSession(
    peer: Peer,
    networkId: NetworkId,
    channel: DeliveryChannel,
    resume: StreamPosition | null,
  ): Promise<{ session: DeliverySession; head: StreamPosition; recovered: boolean }>;
  /** Takes a session out; the connection is gone. */
  closeSession(session: DeliverySession): void;
  /** A signed frame made by the server, for this device. */
  makeFrame(peer: Peer, frame: ServerFrame): Uint8Array;
  /** Saves what devices acknowledged and which nonces were used. Called every second and before the end. */
  saveProgress(): Promise<void>;
  /** Removes frames past their retention. The number of frames removed. */
  removeOldFrames(): Promise<number>;
  /** Ends all sessions with `code`, waits until what was accepted is stored, saves progress. */
  stop(): Promise<void>;
  readonly sessionCount: number;
}

/** What the server says to a device. */
export interface ServerFrame {
  readonly type: FrameType;
  readonly networkId: string;
  readonly payload: Uint8Array;
  readonly correlationId?: string | null;
}

/** Builds the service. */
export function createRelayService(
  options: RelayOptions,
  dependencies: {
    store: RelayStore;
    core: RelayCore;
    devices: () => DeviceService;
    clock: Clock;
    random: Random;
    logger: Logger;
    metrics: RelayMetrics;
  },
): RelayService {
  const { store, core, devices, clock, random, logger, metrics } = dependencies;
  const sessions = new Sessions();
  const sources = new Sources(store);
  const savedCursors = new WeakMap<DeliverySession, number>();
  let serverNonce = 0;
  let peerCount = 0;

  /** Signs one content for all receivers, four at a time in WASM, and sends it to each from one buffer. */
  const deliver = (receivers: readonly DeliverySession[], content: Uint8Array, streamOffset: number) => {
    if (receivers.length === 0) return;
    const frame = unsignedFrame(content, streamOffset);
    const tags = new Uint8Array(receivers.length * SIGNATURE_BYTES);
    core.signForKeys(
      frame.signedBytes,
      receivers.map(({ peer }) => peer.signingKey),
      tags,
    );
    for (const [index, session] of receivers.entries()) {
      const tag = tags.subarray(index * SIGNATURE_BYTES, (index + 1) * SIGNATURE_BYTES);
      frame.bytes.set(tag, frame.signatureStart);
      if (!session.channel.deliver(frame.bytes, streamOffset)) metrics.frameDropped('slow_consumer');
    }
  };

  const signAndDeliver = ({ peer, channel }: DeliverySession, content: Uint8Array, streamOffset: number) => {
    const frame = completeFrame(content, streamOffset, (signed, out, start) =>
      core.signInto(peer.signingKey, signed, out, start),
    );
    return channel.deliver(frame, streamOffset);
  };

  const writer = new StreamWriter(
    { store, clock, random, logger, metrics },
    {
      stored({ peer, networkId, destinationId, content }, streamOffset) {
        const receivers = sessions.receivers(networkId, peer.actor.deviceId, destinationId);
        for (const session of receivers) session.offer(content, streamOffset);
      },
      uncertain(frames) {
        for (const networkId of new Set(frames.map((frame) => frame.networkId))) {
          for (const session of sessions.ofNetwork(networkId)) session.readAgain();
        }
      },
    },
  );

  /** Keeps the frame. The next one of its source waits until this one is in the writer's queue, not until it is stored. */
  const keep = async (frame: FrameToStore): Promise<number> => {
    const { peer, networkId, destinationId, frameId: id, nonce } = frame;
    const enqueue = async (earlier: Promise<unknown>) => {
      writer.reserve(frame);
      try {
        await earlier;
        if (destinationId !== null) await requireMember(peer, networkId, destinationId as DeviceId);
      } catch (error) {
        writer.release(frame);
        throw error;
      }
      metrics.frameForwarded('stored');
      return { kept: writer.append(frame) };
    };
    return sources.keep(peer, { id, nonce }, enqueue, isOurFault);
  };

  const requireMember = async (peer: Peer, networkId: NetworkId, deviceId: DeviceId) => {
    if (sessions.find(networkId, deviceId) !== undefined) return;
    if (await devices().isMember(peer.actor, networkId, deviceId)) return;
    throw relayError('frame_destination_unknown');
  };

  return {
    async connected(identity, close) {
      const memberships = new Map<NetworkId, Membership>();
      const signingKey = core.importKey(identity.signingKey);
      const peer: Peer = { number: ++peerCount, close, actor: identity.actor, memberships, signingKey };
      await sources.connect(peer);
      // Asked after it was noted as connected: who is removed, or loses a network, later is found there and cut off.
      const current = await devices().findMemberships(peer.actor);
      if (current === null) {
        sources.disconnect(peer);
        throw relayError('unauthenticated');
      }
      for (const membership of current) memberships.set(membership.networkId, membership);
      return peer;
    },

    disconnected(peer) {
      sources.disconnect(peer);
    },

    lastNonce: (peer) => sources.lastNonce(peer),

    accept(peer, frame) {
      const { header } = frame;
      const wrongSource = checkSource(header, peer);
      if (wrongSource !== null) throw relayError(wrongSource);
      if (!core.verify(peer.signingKey, frame.signedBytes, frame.signature)) {
        throw relayError('frame_signature_wrong');
      }
      const wrongNetwork = checkNetwork(header, peer);
      if (wrongNetwork !== null) throw relayError(wrongNetwork);
      if (header.type !== FrameType.HELLO && !sources.useNonce(peer, header)) {
        throw relayError('frame_replayed', { details: { lastNonce: sources.lastNonce(peer) } });
      }
    },

    forward(peer, frame) {
      const { header } = frame;
      const refused = checkForwarding(header);
      if (refused !== null) return Promise.reject(relayError(refused));
      const networkId = header.networkId as NetworkId;
      const destinationId = header.destinationId as DeviceId | null;
      if (header.delivery === Delivery.STORED) {
        if (frame.contentLength > STORED_CONTENT_BYTES_MAX) {
          return Promise.reject(relayError('frame_too_large'));
        }
        const toStore: FrameToStore = {
          peer,
          networkId,
          frameId: header.id,
          destinationId,
          nonce: header.nonce,
          content: frame.bytes.slice(0, frame.contentLength),
        };
        return keep(toStore);
      }
      const receivers = sessions.receivers(networkId, header.sourceId, destinationId);
      metrics.frameForwarded('transient');
      deliver(receivers, frame.bytes.subarray(0, frame.contentLength), 0);
      if (destinationId === null || receivers.length > 0) return Promise.resolve(0);
      return requireMember(peer, networkId, destinationId).then(() => 0);
    },

    async openSession(peer, networkId, channel, resume) {
      const membership = peer.memberships.get(networkId);
      if (membership === undefined) throw relayError('network_not_found');
      const state = await store.readState(peer, membership, () => random.uuid());
      if (!sources.isConnected(peer)) throw relayError('unauthenticated');
      const { startOffset, recovered } = planResume(state, resume);
      const session = new DeliverySession(
        { id: random.uuid(), peer, networkId, channel, startOffset },
        { store, clock, logger, signAndDeliver },
      );
      if (!sessions.add(session)) throw relayError('session_replaced');
      savedCursors.set(session, startOffset);
      return { session, head: { epoch: state.epoch, offset: state.head }, recovered };
    },

    closeSession,

    makeFrame(peer, { type, networkId, payload, correlationId }) {
      serverNonce = Math.max(clock.nowMs() * 1000, serverNonce + 1);
      return encodeFrame(
        {
          type,
          delivery: Delivery.TRANSIENT,
          id: random.uuid(),
          networkId,
          sourceId: NIL_UUID,
          destinationId: peer.actor.deviceId,
          nonce: serverNonce,
          correlationId: correlationId ?? null,
        },
        payload,
        (signed, out, start) => core.signInto(peer.signingKey, signed, out, start),
      );
    },

    async saveProgress() {
      const nonces = sources.takeUnsaved();
      const moved: [DeliverySession, Cursor][] = [];
      for (const session of sessions.all()) {
        const cursor = progressOf(session);
        if (cursor !== null) moved.push([session, cursor]);
      }
      if (nonces.length === 0 && moved.length === 0) return;
      await store.saveProgress(
        moved.map(([, cursor]) => cursor),
        nonces,
      );
      sources.markSaved(nonces);
      for (const [session, { streamOffset }] of moved) savedCursors.set(session, streamOffset);
    },

    removeOldFrames: () =>
      store.removeOldFrames(new Date(clock.nowMs() - options.retentionMs), options.streamFramesMax),

    async stop() {
      await writer.drain();
      await this.saveProgress();
      for (const session of [...sessions.all()]) session.close('unavailable');
    },

    ...createMembershipChanges({ store, sessions, sources, closeSession, random }),

    isOnline: (deviceId) => sessions.ofDevice(deviceId).length > 0,

    async forget(deviceId) {
      for (const session of sessions.ofDevice(deviceId)) {
        sessions.remove(session);
        session.close('unauthenticated');
      }
      for (const peer of sources.forget(deviceId)) peer.close(relayError('unauthenticated'));
      await store.forgetDevice(deviceId);
    },

    get sessionCount() {
      return sessions.count;
    },
  };

  /** What the device acknowledged since the last save, or null. */
  function progressOf(session: DeliverySession): Cursor | null {
    const streamOffset = session.acknowledgedOffset;
    if (streamOffset <= (savedCursors.get(session) ?? 0)) return null;
    const { networkId, peer } = session;
    const { deviceId } = peer.actor;
    return { tenantId: tenantOf(peer, networkId), networkId, deviceId, streamOffset };
  }

  function closeSession(session: DeliverySession): void {
    session.detach();
    if (!sessions.remove(session)) return;
    const cursor = progressOf(session);
    if (cursor !== null) saveCursor(store, logger, cursor);
  }
}

function saveCursor(store: RelayStore, logger: Logger, cursor: Cursor): void {
  store.saveProgress([cursor], []).catch((error: unknown) => {
    logger.warn({ operation: 'relay.progress.save', error }, 'a cursor was not saved');
  });
}

/** What follows when a device joins or leaves a network: it connects again, with the networks that it has now. */
function createMembershipChanges(dependencies: {
  readonly store: RelayStore;
  readonly sessions: Sessions;
  readonly sources: Sources;
  readonly closeSession: (session: DeliverySession) => void;
  readonly random: Random;
}): Pick<RelayService, 'joined' | 'left'> {
  const { store, sessions, sources, closeSession, random } = dependencies;

  const connectAgain = (deviceId: DeviceId, leftNetworkId: NetworkId | null): void => {
    for (const session of sessions.ofDevice(deviceId)) {
      // Not closed: how far it had read there is forgotten, not saved.
      if (session.networkId === leftNetworkId) {
        session.detach();
        sessions.remove(session);
      } else closeSession(session);
    }
    for (const peer of sources.peersOf(deviceId)) {
      sources.disconnect(peer);
      peer.close(relayError('unavailable'));
    }
  };

  return {
    async joined(device, networkId) {
      await store.beginCursor(device, networkId, () => random.uuid());
      connectAgain(device.deviceId, null);
    },
    async left(deviceId, networkId) {
      connectAgain(deviceId, networkId);
      await store.forgetCursor(deviceId, networkId);
    },
  };
}

/** True for a failure that says nothing against the frame. */
function isOurFault(error: unknown): boolean {
  return !(error instanceof AppError) || error.kind === 'unavailable' || error.kind === 'internal';
}
