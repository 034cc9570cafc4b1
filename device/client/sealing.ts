import { FrameType } from '../../proto/index.ts';
import {
  type KeyPair,
  type NoiseCrypto,
  SEAL_KEY_BYTES,
  SealError,
  type SealedContent,
  type SealedPlace,
  Sealer,
  SealOpener,
} from '../../proto/ratatoskr/index.ts';
import { fromBase64Url, toBase64Url } from './base64.ts';
import { BifrostError } from './errors.ts';
import type { FrameChannel, OutgoingFrame } from './frame-channel.ts';
import {
  OUTBOX_FRAMES_MAX,
  PEERS_WITHOUT_KEY_MAX,
  PEERS_WITHOUT_KEY_MS,
  SEALED_FRAMES_MAX,
} from './limits.ts';
import { decodeCommand, decodeError, decodeEvent, type ReceivedFrame, SERVER_ID } from './messages.ts';
import { type KnownPeers, type PeerKeyChange, PeerKeys, type PeerKeysOptions } from './peer-keys.ts';
import type { Clock } from './ports.ts';

/** `auto`: sealed for devices that have a key. `required`: nothing goes to a device, and nothing is taken from one, unless it is sealed. */
export type SealingMode = 'auto' | 'required' | 'off';

/** Frames between two devices: those that are sealed. */
const SEALABLE: ReadonlySet<number> = new Set([
  FrameType.EVENT,
  FrameType.COMMAND,
  FrameType.COMMAND_RESULT,
  FrameType.ERROR,
]);

/** Why something could not be opened: said in clear, since it may be the key that is wrong. */
export const SEAL_REFUSALS: ReadonlySet<string> = new Set([
  'seal_key_unknown',
  'sealed_unreadable',
  'peer_key_changed',
  'seal_required',
]);

/** Why a frame between devices was not taken. */
export type SealRefusal =
  | 'seal_key_unknown'
  | 'sealed_unreadable'
  | 'peer_key_changed'
  | 'seal_required'
  | 'frame_payload_malformed';

/** What `open` found: what listeners are told, or why they aren't. */
export type Unsealed =
  | { readonly ok: true; readonly frame: ReceivedFrame }
  | { readonly ok: false; readonly reason: SealRefusal; readonly type: number };

/** What sealing is built on. */
export interface SealingDependencies {
  readonly crypto: NoiseCrypto;
  readonly clock: Clock;
  readonly peers: PeerKeys;
  readonly networkId: string;
  readonly deviceId: string;
  /** The key that the server knows of a device, in base64url; null: none. Waits for a connection where there is none. */
  readonly findKey: (deviceId: string) => Promise<string | null>;
  /** True: what the device allowed is for some operations only, so that the server has to read their names. */
  readonly isLimited: (deviceId: string) => boolean;
}

/** What is under way to one device. */
interface Peer {
  /** The session of the connection in which its key was looked up last; -1: look again. */
  checkedIn: number;
  /** When the server last said that it has no key; null: it said one, or nothing yet. */
  withoutKeyAtMs: number | null;
  looking: Promise<void> | null;
  /** Frames that wait for that: later ones must not overtake them. */
  waiting: number;
  /** By delivery. */
  readonly sealers: Map<number, { readonly key: string; readonly sealer: Sealer }>;
  showsNames: boolean;
}

/** Seals what goes to devices that have a key, and opens what others sealed for this one. */
export class Sealing {
  readonly #mode: SealingMode;
  readonly #own: KeyPair | null;
  readonly #opener: SealOpener;
  readonly #dependencies: SealingDependencies;
  readonly #peers = new Map<string, Peer>();
  #session = 0;
  #waiting = 0;

  constructor(
    options: { mode: SealingMode; own: KeyPair | null; earlier: readonly KeyPair[] },
    dependencies: SealingDependencies,
  ) {
    const { mode, own, earlier } = options;
    if (mode === 'required' && own === null)
      throw new BifrostError('invalid_input', 'Sealing takes a key: give "sealKey".');
    this.#mode = own === null ? 'off' : mode;
    this.#own = own;
    this.#opener = new SealOpener(own === null ? [] : [own, ...earlier], dependencies.crypto);
    this.#dependencies = dependencies;
  }

  /** What others seal for; null: nothing is sealed. */
  get announcedKey(): Uint8Array | null {
    return this.#mode === 'off' ? null : (this.#own?.publicKey ?? null);
  }

  /** A session of the connection began: keys are looked up anew, and sealed under new ones. */
  opened(): void {
    this.#session++;
    for (const [deviceId, peer] of this.#peers) {
      peer.sealers.clear();
      if (this.#dependencies.peers.keyOf(deviceId) === null && peer.waiting === 0)
        this.#peers.delete(deviceId);
    }
  }

  /** Another device may have another key now. */
  doubt(deviceId: string): void {
    const peer = this.#peers.get(deviceId);
    if (peer !== undefined) peer.checkedIn = -1;
  }

  /** A device wants the names of what it is sent to be shown. False: they are. */
  showNames(deviceId: string | null | undefined): boolean {
    const peer = this.#peers.get(deviceId ?? '');
    if (peer === undefined || peer.showsNames) return false;
    peer.showsNames = true;
    return true;
  }

  /**
   * The frame as it goes out: sealed where it is for a device that has a key. A promise where that has to be looked up first, which then
   * rejects with `peer_key_changed`, `seal_required`, or as a request does.
   */
  seal(frame: OutgoingFrame, id: string): OutgoingFrame | Promise<OutgoingFrame> {
    const { destinationId = null } = frame;
    if (this.#mode === 'off' || destinationId === null || !SEALABLE.has(frame.type)) return frame;
    const peer = this.#peerOf(destinationId);
    if (peer.waiting === 0 && this.#isChecked(destinationId, peer)) return this.#sealed(frame, id, peer);
    return this.#lookFirst(frame, id, destinationId, peer);
  }

  /** The same now or never: null where the key has to be looked up, which this begins. */
  sealNow(frame: OutgoingFrame, id: string): OutgoingFrame | null {
    const sealed = this.seal(frame, id);
    if (!(sealed instanceof Promise)) return sealed;
    sealed.catch(() => undefined);
    return null;
  }

  /** A frame that arrived, as its sender meant it. */
  open(frame: ReceivedFrame): Unsealed {
    const { type, sourceId, destinationId } = frame;
    // What is said to all can't be sealed; nothing but an event is for all.
    const isForAll = destinationId === null && (type === FrameType.EVENT || !SEALABLE.has(type));
    if (sourceId === SERVER_ID || isForAll) return { ok: true, frame };
    if (type !== FrameType.SEALED) {
      const isRefused = this.#mode === 'required' && SEALABLE.has(type) && !isSealRefusal(frame);
      return isRefused ? { ok: false, reason: 'seal_required', type } : { ok: true, frame };
    }
    try {
      const isAccepted = (key: Uint8Array) => this.#dependencies.peers.isAccepted(sourceId, toBase64Url(key));
      const opened = this.#opener.open(frame.payload, this.#placeOf(frame, sourceId, frame.id), isAccepted);
      const refusal = refusalOf(opened);
      if (refusal !== null) return { ok: false, reason: refusal, type: opened.type };
      return { ok: true, frame: { ...frame, type: opened.type, payload: opened.payload, isSealed: true } };
    } catch (error) {
      if (error instanceof SealError) return { ok: false, reason: error.code, type };
      throw error;
    }
  }

  #peerOf(deviceId: string): Peer {
    const known = this.#peers.get(deviceId);
    if (known !== undefined) return known;
    this.#forgetOldest();
    const peer = {
      checkedIn: -1,
      withoutKeyAtMs: null,
      looking: null,
      waiting: 0,
      sealers: new Map(),
      showsNames: false,
    };
    this.#peers.set(deviceId, peer);
    return peer;
  }

  #forgetOldest(): void {
    if (this.#peers.size < PEERS_WITHOUT_KEY_MAX) return;
    for (const [deviceId, { waiting }] of this.#peers) {
      if (waiting === 0) {
        this.#peers.delete(deviceId);
        return;
      }
    }
  }

  #isChecked(deviceId: string, { checkedIn, withoutKeyAtMs }: Peer): boolean {
    if (checkedIn !== this.#session) return false;
    const { peers, clock } = this.#dependencies;
    if (peers.keyOf(deviceId) !== null) return true;
    return withoutKeyAtMs !== null && clock.nowMs() - withoutKeyAtMs < PEERS_WITHOUT_KEY_MS;
  }

  async #lookFirst(frame: OutgoingFrame, id: string, deviceId: string, peer: Peer): Promise<OutgoingFrame> {
    if (this.#waiting >= OUTBOX_FRAMES_MAX)
      throw new BifrostError('outbox_full', 'Too many frames wait for the keys of their receivers.');
    this.#waiting++;
    peer.waiting++;
    try {
      if (!this.#isChecked(deviceId, peer)) peer.looking ??= this.#look(deviceId, peer);
      await peer.looking;
      return this.#sealed(frame, id, peer);
    } finally {
      peer.waiting--;
      this.#waiting--;
    }
  }

  async #look(deviceId: string, peer: Peer): Promise<void> {
    try {
      const shown = await this.#dependencies.findKey(deviceId);
      peer.checkedIn = this.#session;
      peer.withoutKeyAtMs = shown === null ? this.#dependencies.clock.nowMs() : null;
      if (shown !== null) this.#requireUsable(shown, peer);
      if (shown !== null && !this.#dependencies.peers.isAccepted(deviceId, shown)) {
        peer.checkedIn = -1;
        throw new BifrostError('peer_key_changed', 'The device shows another key than before.');
      }
    } finally {
      peer.looking = null;
    }
  }

  /** Else a key that nothing can be sealed for would be kept for the device's, and be in the way of the right one. */
  #requireUsable(key: string, peer: Peer): void {
    const bytes = fromBase64Url(key);
    const { crypto } = this.#dependencies;
    const { privateKey } = this.#own as KeyPair;
    if (bytes?.length === SEAL_KEY_BYTES && crypto.sharedSecret(privateKey, bytes) !== null) return;
    peer.checkedIn = -1;
    throw new BifrostError('seal_key_unknown', 'The device shows a key that nothing can be sealed for.');
  }

  #sealed(frame: OutgoingFrame, id: string, peer: Peer): OutgoingFrame {
    const deviceId = frame.destinationId ?? '';
    const key = this.#dependencies.peers.keyOf(deviceId);
    if (key === null) {
      if (this.#mode === 'auto') return frame;
      throw new BifrostError('seal_required', 'The device has no key that it could be sealed for.');
    }
    const place = this.#placeOf(frame, this.#dependencies.deviceId, id);
    const isNamed = peer.showsNames || this.#dependencies.isLimited(deviceId);
    const { type, payload } = frame;
    const name = isNamed ? nameIn(frame) : '';
    return {
      ...frame,
      type: FrameType.SEALED,
      payload: this.#sealerFor(key, place, peer).seal({ type, name, payload }, place),
    };
  }

  #sealerFor(key: string, place: SealedPlace, peer: Peer): Sealer {
    const known = peer.sealers.get(place.delivery);
    if (known !== undefined && known.key === key && known.sealer.count < SEALED_FRAMES_MAX)
      return known.sealer;
    const own = this.#own as KeyPair;
    const receiverKey = fromBase64Url(key) ?? new Uint8Array(0);
    const sealer = new Sealer({ own, receiverKey, place }, this.#dependencies.crypto);
    peer.sealers.set(place.delivery, { key, sealer });
    return sealer;
  }

  #placeOf(
    frame: Pick<OutgoingFrame, 'delivery' | 'destinationId' | 'correlationId'>,
    sourceId: string,
    frameId: string,
  ): SealedPlace {
    const { delivery, destinationId, correlationId = null } = frame;
    const { networkId } = this.#dependencies;
    return { networkId, sourceId, destinationId: destinationId ?? '', frameId, delivery, correlationId };
  }
}

function refusalOf(opened: SealedContent): SealRefusal | null {
  if (!SEALABLE.has(opened.type)) return 'frame_payload_malformed';
  // The name that the server saw is the one that counts, or the sender deceives one of both.
  return opened.name === '' || opened.name === nameIn(opened) ? null : 'sealed_unreadable';
}

/** The name of a command or event; empty: it has none. */
function nameIn({ type, payload }: Pick<OutgoingFrame, 'payload'> & { readonly type: number }): string {
  if (type === FrameType.COMMAND) return decodeCommand(payload).name;
  return type === FrameType.EVENT ? decodeEvent(payload).name : '';
}

function isSealRefusal({ type, payload }: ReceivedFrame): boolean {
  return type === FrameType.ERROR && SEAL_REFUSALS.has(decodeError(payload).code);
}

/** Builds both parts of sealing for a client, which gives what it alone has. */
export type SealingSetup = (
  line: Pick<SealingDependencies, 'findKey' | 'isLimited'> & Pick<PeerKeysOptions, 'shown'>,
) => { readonly peers: PeerKeys; readonly sealing: Sealing };

/** How a client seals. */
export interface SealingOptions {
  readonly mode: SealingMode;
  /** Private keys, of 32 bytes; null: nothing is sealed. */
  readonly key: Uint8Array | null;
  readonly earlierKeys: readonly Uint8Array[];
  readonly known: KnownPeers;
  readonly acceptsKey: (change: PeerKeyChange) => boolean;
}

/** The setup for the device of a channel. Throws `invalid_input` where something can't be used. */
export const sealingOf =
  (
    { mode, key, earlierKeys, known, acceptsKey }: SealingOptions,
    {
      channel,
      crypto,
      clock,
    }: { readonly channel: FrameChannel; readonly crypto: NoiseCrypto; readonly clock: Clock },
  ): SealingSetup =>
  ({ findKey, isLimited, shown }) => {
    const pairOf = (privateKey: Uint8Array) => ({ privateKey, publicKey: crypto.publicKeyOf(privateKey) });
    const own = key === null || mode === 'off' ? null : pairOf(key);
    const { deviceId, networkId } = channel;
    const peers = new PeerKeys({ deviceId, own, known, acceptsKey, shown, crypto });
    const earlier = earlierKeys.map(pairOf);
    const dependencies = { crypto, clock, peers, networkId, deviceId, findKey, isLimited };
    return { peers, sealing: new Sealing({ mode, own, earlier }, dependencies) };
  };
