import { type NonceState, ReplayWindow } from '../../../proto/replay-window.ts';
import { Groups } from '../../kernel/groups.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { RelayStore, SourceNonces } from './ports.ts';
import type { Peer } from './types.ts';

/** A STORED frame that is not kept yet. */
interface FrameUnderWay {
  readonly id: string;
  readonly kept: Promise<number>;
}

interface Source {
  readonly tenantId: SourceNonces['tenantId'];
  /** Resolves when `window` is known; null: it is. A promise that stayed would keep all that its operation was recorded with. */
  loading: Promise<void> | null;
  window: ReplayWindow;
  /** Counts what happens to `window`, to tell what is saved of it. */
  changes: number;
  savedChanges: number;
  /** The last nonce of a frame that the server made for this device; 0 before the first. */
  serverNonce: number;
  /** The last nonce of a frame that the server made in the name of this device; 0 before the first. */
  madeNonce: number;
  /** STORED frames that are not kept yet, by nonce; null before the first: most devices are silent most of the time. */
  underWay: Map<number, FrameUnderWay> | null;
}

/** What of a frame says whether it is new. */
interface FrameIdentity {
  readonly id: string;
  readonly nonce: number;
}

const NOTHING: readonly number[] = [];

/** Nonces of a source to be saved. */
export interface UnsavedNonces extends SourceNonces {
  /** To be called when they are. */
  saved(): void;
}

/**
 * The connected devices as sources of frames, with the replay window of each. A nonce is used up in memory at once. STORED
 * frames carry it into their transaction, those of other frames are saved every second. A STORED frame that is on its way
 * is never saved as used beside its transaction: if we fail to keep it, it may come again with its nonce, also after a
 * crash. After a crash a TRANSIENT frame of that last second could be replayed; it changes nothing that is kept.
 */
export class Sources {
  readonly #store: Pick<RelayStore, 'findNonces'>;
  readonly #sources = new Map<DeviceId, Source>();
  readonly #connected = new Groups<DeviceId, Peer>();

  constructor(store: Pick<RelayStore, 'findNonces'>) {
    this.#store = store;
  }

  /** A connection of this device begins; it counts from this call on. */
  async connect(peer: Peer): Promise<void> {
    const { deviceId } = peer.actor;
    const source = this.#sources.get(deviceId) ?? this.#begin(peer);
    this.#connected.add(deviceId, peer);
    try {
      if (source.loading !== null) await source.loading;
    } catch (error) {
      if (this.#sources.get(deviceId) === source) this.#sources.delete(deviceId);
      throw error;
    }
  }

  /** A connection of this device ended. */
  disconnect(peer: Peer): void {
    this.#connected.remove(peer.actor.deviceId, peer);
  }

  /** The highest nonce that came from this device, 0 for none. */
  lastNonce(peer: Peer): number {
    return this.#sources.get(peer.actor.deviceId)?.window.last ?? 0;
  }

  /**
   * The nonce of the next frame that the server makes for this device: from the clock at first, in microseconds, then one
   * more than the one before. One counter for all devices would tell each how many frames the others get.
   */
  nextServerNonce(deviceId: DeviceId, nowMs: number): number {
    const source = this.#sources.get(deviceId);
    if (source === undefined) return nowMs * 1000;
    source.serverNonce = source.serverNonce === 0 ? nowMs * 1000 : source.serverNonce + 1;
    return source.serverNonce;
  }

  /** The nonce of the next frame that the server makes in the name of this device, which counts in the same way. */
  nextMadeNonce(deviceId: DeviceId, nowMs: number): number {
    const source = this.#sources.get(deviceId);
    if (source === undefined) return nowMs * 1000;
    source.madeNonce = source.madeNonce === 0 ? nowMs * 1000 : source.madeNonce + 1;
    return source.madeNonce;
  }

  /** Uses the nonce up, and says what it was. All nonces of a device that isn't connected are too old. */
  useNonce(peer: Peer, nonce: number): NonceState {
    const source = this.#sources.get(peer.actor.deviceId);
    if (source === undefined) return 'too old';
    const state = source.window.use(nonce);
    if (state === 'new') source.changes++;
    return state;
  }

  /** The frame was not kept, and was not looked at: it may come with its nonce again. Not while it is on its way. */
  releaseNonce(peer: Peer, { nonce }: Pick<FrameIdentity, 'nonce'>): void {
    const source = this.#sources.get(peer.actor.deviceId);
    if (source === undefined || source.underWay?.has(nonce) === true) return;
    source.window.release(nonce);
    source.changes++;
  }

  /**
   * A STORED frame is on its way to be kept, which `stored` tells. If that fails by `isOurFault`, the frame may come with
   * its nonce again.
   */
  keep(
    peer: Peer,
    { id, nonce }: FrameIdentity,
    stored: Promise<number>,
    isOurFault: (error: unknown) => boolean,
  ): Promise<number> {
    const source = this.#sources.get(peer.actor.deviceId);
    if (source === undefined) return stored;
    const kept = settle(source, nonce, stored, isOurFault);
    source.underWay ??= new Map();
    source.underWay.set(nonce, { id, kept });
    return kept;
  }

  /** What becomes of this very frame, which came before with the same nonce and is not kept yet; null: it isn't on its way. */
  findUnderWay(peer: Peer, { id, nonce }: FrameIdentity): Promise<number> | null {
    const frame = this.#sources.get(peer.actor.deviceId)?.underWay?.get(nonce);
    return frame?.id === id ? frame.kept : null;
  }

  /** Nonces to save; those of sources without a connection are let go when they are saved. */
  takeUnsaved(): UnsavedNonces[] {
    const unsaved: UnsavedNonces[] = [];
    for (const [deviceId, source] of this.#sources) {
      const { tenantId, window, changes, savedChanges, underWay } = source;
      if (changes > savedChanges) {
        const saved = () => {
          source.savedChanges = Math.max(source.savedChanges, changes);
        };
        unsaved.push({ tenantId, deviceId, ...window.content(underWay?.keys() ?? NOTHING), saved });
      } else if (!this.#connected.hasAny(deviceId) && !underWay?.size) this.#sources.delete(deviceId);
    }
    return unsaved;
  }

  /** Takes the device out. */
  forget(deviceId: DeviceId): void {
    this.#sources.delete(deviceId);
  }

  #begin({ actor: { deviceId, tenantId } }: Peer): Source {
    const source: Source = {
      tenantId,
      loading: this.#store.findNonces(deviceId).then((nonces) => {
        source.window = new ReplayWindow(nonces);
        source.loading = null;
      }),
      window: new ReplayWindow(),
      changes: 0,
      savedChanges: 0,
      serverNonce: 0,
      madeNonce: 0,
      underWay: null,
    };
    this.#sources.set(deviceId, source);
    return source;
  }
}

async function settle(
  source: Source,
  nonce: number,
  stored: Promise<number>,
  isOurFault: (error: unknown) => boolean,
): Promise<number> {
  try {
    return await stored;
  } catch (error) {
    if (isOurFault(error)) source.window.release(nonce);
    throw error;
  } finally {
    source.underWay?.delete(nonce);
    source.changes++;
  }
}
