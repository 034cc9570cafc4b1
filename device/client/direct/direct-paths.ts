import {
  DirectAnswer,
  DirectOffer,
  DirectPathState,
  DirectReport,
  DirectState,
  decodePayload,
  encodePayload,
  errorCodeName,
  FrameType,
  type FrameView,
  uuidFromBytes,
  uuidToBytes,
} from '../../../proto/index.ts';
import { BifrostError } from '../errors.ts';
import { type FrameChannel, type OutgoingFrame, requireUuid } from '../frame-channel.ts';
import type { Acceptance } from '../outbox.ts';
import type { Clock } from '../ports.ts';
import { DirectPath, type DirectPathHandlers, isCarried, type SentFrame } from './direct-path.ts';
import { KnownIds } from './known-ids.ts';
import {
  ARRIVAL_MS,
  EARLY_ANSWERS_MAX,
  LARGE_BYTES,
  REPORT_BEATS,
  RETRY_MS,
  RETRY_MS_MAX,
} from './limits.ts';
import { PathChoice, type PathQuality } from './path-choice.ts';
import type { DirectLink, DirectTransport } from './ports.ts';

/** `all`: what isn't stored goes over a direct path, where there is one. `large`: only what has 4,096 bytes or more, which may overtake the rest. */
export type DirectUse = 'all' | 'large';

/** How frames that aren't stored go to another device at the moment. */
export interface PathStatus {
  readonly deviceId: string;
  readonly path: 'relay' | 'direct';
  /** Of the direct path, as it was measured; null: there is none. */
  readonly quality: PathQuality | null;
  /** Why there is no direct path, as far as it was asked for; null: it isn't known. */
  readonly refusal: BifrostError | null;
}

/** What the paths of a client are built on. */
export interface DirectPathsDependencies {
  /** Null: this device has no direct paths. */
  readonly transport: DirectTransport | null;
  readonly use: DirectUse;
  readonly clock: Clock;
  readonly preciseMs: () => number;
  /** Signs and verifies what goes over a path whose both ends know this secret. */
  readonly channelOf: (secret: Uint8Array) => FrameChannel;
  readonly isConnected: () => boolean;
  readonly request: (frame: Omit<OutgoingFrame, 'delivery'>) => Promise<Acceptance>;
  /** Sends over the relay, now or never. */
  readonly relay: (frame: OutgoingFrame, id: string) => boolean;
  readonly received: (frame: FrameView) => void;
  readonly dropped: DirectPathHandlers['dropped'];
  readonly changed: (status: PathStatus) => void;
}

/** What is known of the ways to another device. */
interface Peer {
  readonly deviceId: string;
  isWanted: boolean;
  pathId: string | null;
  path: DirectPath | null;
  readonly choice: PathChoice;
  readonly known: KnownIds;
  lastRelayedId: string | null;
  relayMs: number | null;
  refusal: BifrostError | null;
  retryMs: number;
  cancelRetry: () => void;
  stopExpecting: () => void;
  beats: number;
  waiting: (() => void)[];
}

type Shape<Type extends { decode(bytes: Uint8Array): unknown }> = ReturnType<Type['decode']>;

/** Direct paths of a client: asked for over the server, used while they are the better way, and left without losing anything. */
export class DirectPaths {
  readonly #dependencies: DirectPathsDependencies;
  readonly #peers = new Map<string, Peer>();
  /** Answers that came before it was known to which path they belong. */
  readonly #early = new Map<string, Shape<typeof DirectAnswer>>();

  constructor(dependencies: DirectPathsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Wants a direct path to another device, from now on: it is asked for where both owners permit it, and again after it broke. Refuses
   * with `invalid_input` an id that is no UUID, and everything where the client has no `direct` transport.
   */
  open(deviceId: string): void {
    if (this.#dependencies.transport === null)
      throw new BifrostError('invalid_input', 'The client has no way of its own: give "direct".');
    const peer = this.#peerOf(requireUuid(deviceId));
    peer.isWanted = true;
    if (peer.path === null) this.#offerSoon(peer, 0);
  }

  /** Goes back to the relay. */
  close(deviceId: string): void {
    const peer = this.#peers.get(requireUuid(deviceId));
    if (peer === undefined) return;
    peer.isWanted = false;
    peer.cancelRetry();
    this.#leave(peer, true);
  }

  /** How frames that aren't stored go to a device. */
  status(deviceId: string): PathStatus {
    const id = requireUuid(deviceId);
    const peer = this.#peers.get(id);
    const isDirect = peer?.path?.maySend === true && peer.choice.isDirect;
    return {
      deviceId: id,
      path: isDirect ? 'direct' : 'relay',
      quality: peer?.path?.quality ?? null,
      refusal: peer?.refusal ?? null,
    };
  }

  /** Resolves when a direct path takes frames again, or there is none: what `sendTransient` refused may be sent then. */
  async room(deviceId: string): Promise<void> {
    const peer = this.#peers.get(requireUuid(deviceId));
    if (peer?.path == null || peer.path.hasRoom) return;
    await new Promise<void>((resolve) => peer.waiting.push(resolve));
  }

  /** Sends a frame directly. Null: it goes over the relay. False: not now. */
  send(frame: OutgoingFrame, id: string): boolean | null {
    const peer = this.#peers.get(frame.destinationId ?? '');
    if (peer === undefined || !isCarried(frame)) return null;
    const { path, choice } = peer;
    const isLargeEnough = this.#dependencies.use === 'all' || frame.payload.length >= LARGE_BYTES;
    if (path === null || !path.maySend || !choice.isDirect || !isLargeEnough) {
      peer.lastRelayedId = id;
      return null;
    }
    return path.send(frame, id);
  }

  /** A frame arrived over the relay. False: it came over a direct path before. */
  arrivedByRelay({ header, streamOffset }: FrameView): boolean {
    const peer = this.#peers.get(header.sourceId);
    return peer === undefined || streamOffset !== 0 || header.madeByServer || peer.known.add(header.id);
  }

  /** What it led to is done: what a path holds back for it follows. */
  handledByRelay({ header }: FrameView): void {
    this.#peers.get(header.sourceId)?.path?.arrivedByRelay(header.id);
  }

  /** The server says something of direct paths. False: it is something else. */
  told(type: FrameType, payload: Uint8Array): boolean {
    if (type === FrameType.DIRECT_OFFER) void this.#offered(decodePayload(DirectOffer, payload));
    else if (type === FrameType.DIRECT_ANSWER) this.#answered(decodePayload(DirectAnswer, payload));
    else if (type === FrameType.DIRECT_STATE) this.#stateTold(decodePayload(DirectState, payload));
    else return false;
    return true;
  }

  /** A session with the server began. */
  sessionBegan(): void {
    for (const peer of this.#peers.values()) if (peer.isWanted) this.#offerSoon(peer, 0);
  }

  /** It ended: nobody can say any more what is permitted. */
  sessionEnded(): void {
    for (const peer of this.#peers.values()) {
      peer.cancelRetry();
      this.#leave(peer, false);
    }
  }

  /** Nothing more is wanted. */
  stop(): void {
    this.sessionEnded();
    for (const peer of this.#peers.values()) peer.isWanted = false;
    this.#dependencies.transport?.close();
  }

  #peerOf(deviceId: string): Peer {
    const known = this.#peers.get(deviceId);
    if (known !== undefined) return known;
    const peer: Peer = {
      deviceId,
      isWanted: false,
      pathId: null,
      path: null,
      choice: new PathChoice(),
      known: new KnownIds(),
      lastRelayedId: null,
      relayMs: null,
      refusal: null,
      retryMs: RETRY_MS,
      cancelRetry: () => {},
      stopExpecting: () => {},
      beats: 0,
      waiting: [],
    };
    this.#peers.set(deviceId, peer);
    return peer;
  }

  #offerSoon(peer: Peer, delayMs: number): void {
    peer.cancelRetry();
    peer.cancelRetry = this.#dependencies.clock.after(delayMs, () => {
      this.#offer(peer).catch((error: BifrostError) => this.#failed(peer, error));
    });
  }

  async #offer(peer: Peer): Promise<void> {
    const { transport, isConnected, request } = this.#dependencies;
    if (transport === null || !peer.isWanted || peer.path !== null || !isConnected()) return;
    const fingerprint = await transport.fingerprint();
    const payload = encodePayload(DirectOffer, { targetId: uuidToBytes(peer.deviceId), fingerprint });
    const { answer = new Uint8Array(0) } = await request({ type: FrameType.DIRECT_OFFER, payload });
    const state = decodePayload(DirectState, answer);
    const pathId = idOf(state.pathId);
    this.#relayMeasured(peer, state.relayRoundTripUs);
    if (pathId === null || peer.path !== null) return;
    // Until it came to something: what is silent is asked for again.
    this.#offerSoon(peer, ARRIVAL_MS + peer.retryMs);
    peer.pathId = pathId;
    const early = this.#early.get(pathId);
    this.#early.delete(pathId);
    if (early !== undefined) await this.#dial(peer, early);
  }

  #answered(answer: Shape<typeof DirectAnswer>): void {
    const pathId = idOf(answer.pathId);
    if (pathId === null) return;
    const peer = [...this.#peers.values()].find((each) => each.pathId === pathId);
    if (peer !== undefined) {
      this.#dial(peer, answer).catch((error: BifrostError) => this.#failed(peer, error));
      return;
    }
    if (this.#early.size >= EARLY_ANSWERS_MAX) this.#early.clear();
    this.#early.set(pathId, answer);
  }

  async #dial(peer: Peer, answer: Shape<typeof DirectAnswer>): Promise<void> {
    const { transport } = this.#dependencies;
    const { addresses, port, fingerprint, maySend, mayReceive } = answer;
    const { pathId } = peer;
    if (transport === null || pathId === null) return;
    const link = await transport.dial({ addresses, port, fingerprint: fingerprint.slice() });
    if (peer.pathId === pathId && peer.path === null) this.#begin(peer, link, { maySend, mayReceive });
    else link.close();
  }

  /** Another device wants a path: it is told where to connect, and by which key it is known. */
  async #offered(offer: Shape<typeof DirectOffer>): Promise<void> {
    const { transport, request } = this.#dependencies;
    const pathId = idOf(offer.pathId);
    const sourceId = idOf(offer.sourceId);
    if (pathId === null || sourceId === null) return;
    const { maySend, mayReceive } = offer;
    const theirs = offer.fingerprint.slice();
    const decline = { addresses: [] as readonly string[], port: 0 };
    const where = transport === null ? decline : await transport.listen().catch(() => decline);
    if (transport !== null && where.addresses.length > 0) {
      const peer = this.#peerOf(sourceId);
      this.#leave(peer, false);
      peer.pathId = pathId;
      const stop = transport.expect(theirs, (link) => {
        if (peer.pathId === pathId && peer.path === null) this.#begin(peer, link, { maySend, mayReceive });
        else link.close();
      });
      const cancel = this.#dependencies.clock.after(ARRIVAL_MS, stop);
      peer.stopExpecting = () => {
        cancel();
        stop();
      };
    }
    const fingerprint = (await transport?.fingerprint()) ?? new Uint8Array(0);
    const payload = encodePayload(DirectAnswer, {
      pathId: uuidToBytes(pathId),
      fingerprint,
      addresses: [...where.addresses],
      port: where.port,
    });
    // Where the server refuses it, the path has ended, and whoever wants it asks again.
    await request({ type: FrameType.DIRECT_ANSWER, payload }).catch(() => undefined);
  }

  #begin(
    peer: Peer,
    link: DirectLink,
    may: { readonly maySend: boolean; readonly mayReceive: boolean },
  ): void {
    peer.cancelRetry();
    peer.stopExpecting();
    const { clock, preciseMs, channelOf, received, dropped } = this.#dependencies;
    const path: DirectPath = new DirectPath(
      { peerId: peer.deviceId, ...may },
      {
        link,
        channel: channelOf(link.key),
        clock,
        preciseMs,
        handlers: {
          received: (frame) => {
            if (peer.known.add(frame.header.id)) received(frame);
          },
          dropped,
          measured: (quality) => this.#measured(peer, quality),
          drained: () => this.#drained(peer),
          hasArrived: (id) => peer.known.has(id),
          ended: (unconfirmed) => this.#ended(peer, path, unconfirmed),
        },
      },
    );
    peer.path = path;
    peer.beats = 0;
    peer.refusal = null;
  }

  #measured(peer: Peer, quality: PathQuality): void {
    const { path, choice } = peer;
    if (path === null) return;
    const before = choice.isDirect;
    const isDirect = choice.measured(quality, peer.relayMs);
    if (isDirect && !before && this.#dependencies.use === 'all') path.follow(peer.lastRelayedId);
    if (peer.beats++ % REPORT_BEATS === 0 || isDirect !== before) this.#report(peer, quality);
    if (isDirect !== before) this.#dependencies.changed(this.status(peer.deviceId));
    peer.retryMs = RETRY_MS;
  }

  #report(peer: Peer, quality: PathQuality | null): void {
    if (peer.pathId === null || !this.#dependencies.isConnected()) return;
    const payload = encodePayload(DirectReport, {
      pathId: uuidToBytes(peer.pathId),
      isUp: quality !== null,
      roundTripUs: quality === null ? 0 : Math.max(1, Math.round(quality.roundTripMs * 1_000)),
      lossPermille: quality === null ? 0 : Math.round(quality.loss * 1_000),
    });
    const { path } = peer;
    this.#dependencies.request({ type: FrameType.DIRECT_REPORT, payload }).then(
      ({ answer }) => {
        if (answer !== undefined)
          this.#relayMeasured(peer, decodePayload(DirectState, answer).relayRoundTripUs);
      },
      (error: BifrostError) => {
        // The server knows of no such path any more: it is not permitted.
        if (error.code === 'direct_path_not_found' && peer.path === path) this.#leave(peer, false);
      },
    );
  }

  #relayMeasured(peer: Peer, roundTripUs: number): void {
    if (roundTripUs > 0) peer.relayMs = roundTripUs / 1_000;
  }

  /** The server ends a path. */
  #stateTold({ pathId, state, reason }: Shape<typeof DirectState>): void {
    const peer = [...this.#peers.values()].find((each) => each.pathId === idOf(pathId));
    if (peer === undefined || state !== DirectPathState.DIRECT_ENDED) return;
    this.#leave(peer, false);
    this.#failed(peer, new BifrostError(errorCodeName(reason), 'The server has ended the direct path.'));
  }

  #failed(peer: Peer, error: BifrostError): void {
    peer.refusal = error;
    if (peer.pathId !== null && peer.path === null) this.#report(peer, null);
    peer.pathId = null;
    this.#retry(peer);
  }

  #retry(peer: Peer): void {
    if (!peer.isWanted || peer.path !== null) return;
    this.#offerSoon(peer, peer.retryMs);
    peer.retryMs = Math.min(peer.retryMs * 2, RETRY_MS_MAX);
  }

  /** Ends the path from here. */
  #leave(peer: Peer, tell: boolean): void {
    peer.stopExpecting();
    const { path, pathId } = peer;
    if (tell && pathId !== null) this.#report(peer, null);
    peer.pathId = null;
    path?.end();
  }

  #ended(peer: Peer, path: DirectPath, unconfirmed: readonly SentFrame[]): void {
    if (peer.path !== path) return;
    const wasDirect = peer.choice.isDirect;
    peer.path = null;
    peer.choice.reset();
    // Before whatever is sent next: the order stays.
    for (const { frame, id } of unconfirmed) {
      peer.lastRelayedId = id;
      this.#dependencies.relay(frame, id);
    }
    this.#drained(peer);
    if (peer.pathId !== null) this.#report(peer, null);
    peer.pathId = null;
    if (wasDirect) this.#dependencies.changed(this.status(peer.deviceId));
    this.#retry(peer);
  }

  #drained(peer: Peer): void {
    for (const resolve of peer.waiting.splice(0)) resolve();
  }
}

const idOf = (bytes: Uint8Array): string | null => (bytes.length === 16 ? uuidFromBytes(bytes) : null);
