import type { DeviceId } from '../../kernel/ids.ts';
import { RETRIES_REMEMBERED } from './limits.ts';
import type { RelayStore, SourceNonce } from './ports.ts';
import type { Peer } from './types.ts';

interface Source {
  /** Its connections. */
  readonly peers: Set<Peer>;
  readonly tenantId: SourceNonce['tenantId'];
  /** Resolves when `lastNonce` is known. */
  readonly loaded: Promise<void>;
  lastNonce: number;
  /** The last nonce of a frame that the server made for this device. */
  serverNonce: number;
  savedNonce: number;
  /** Nonces of STORED frames that are not kept yet. A frame may be under way twice, each time with a nonce of its own. */
  readonly underWay: Set<number>;
  /** Ids of STORED frames that could not be kept, by nonce: they may come again as they are. */
  readonly retries: Map<number, string>;
}

/** What of a frame says whether it is new. */
interface FrameIdentity {
  readonly id: string;
  readonly nonce: number;
}

/**
 * The connected devices as sources of frames, with the last nonce of each. A nonce is used up in memory at once; STORED
 * frames carry it into their transaction, those of other frames are saved every second, but never past a STORED frame
 * that isn't kept: that one may come again. After a crash a TRANSIENT frame of that last second could be replayed; it
 * changes nothing that is kept.
 */
export class Sources {
  readonly #store: Pick<RelayStore, 'findLastNonce'>;
  readonly #sources = new Map<DeviceId, Source>();

  constructor(store: Pick<RelayStore, 'findLastNonce'>) {
    this.#store = store;
  }

  /** A connection of this device begins; it counts from this call on. */
  async connect(peer: Peer): Promise<void> {
    const { deviceId } = peer.actor;
    const source = this.#sources.get(deviceId) ?? this.#begin(peer);
    source.peers.add(peer);
    try {
      await source.loaded;
    } catch (error) {
      if (this.#sources.get(deviceId) === source) this.#sources.delete(deviceId);
      throw error;
    }
  }

  /** A connection of this device ended. */
  disconnect(peer: Peer): void {
    this.#sources.get(peer.actor.deviceId)?.peers.delete(peer);
  }

  /** The last nonce accepted from this device, 0 for none. */
  lastNonce(peer: Peer): number {
    return this.#sources.get(peer.actor.deviceId)?.lastNonce ?? 0;
  }

  /**
   * The nonce of the next frame that the server makes for this device: from the clock, in microseconds, and always above
   * the one before. One counter for all devices would tell each how many frames the others get.
   */
  nextServerNonce(peer: Peer, nowMs: number): number {
    const source = this.#sources.get(peer.actor.deviceId);
    const nonce = Math.max(nowMs * 1000, (source?.serverNonce ?? 0) + 1);
    if (source !== undefined) source.serverNonce = nonce;
    return nonce;
  }

  /** Uses the nonce up. False for a replay. A STORED frame that could not be kept may come again with its nonce. */
  useNonce(peer: Peer, { id, nonce }: FrameIdentity): boolean {
    const source = this.#sources.get(peer.actor.deviceId);
    if (source === undefined) return false;
    if (nonce > source.lastNonce) {
      source.lastNonce = nonce;
      return true;
    }
    return source.retries.get(nonce) === id && source.retries.delete(nonce);
  }

  /**
   * A STORED frame is on its way to be kept, which `kept` tells. If that fails by `isOurFault`, the same frame may come
   * again.
   */
  async keep<T>(
    peer: Peer,
    { id, nonce }: FrameIdentity,
    kept: Promise<T>,
    isOurFault: (error: unknown) => boolean,
  ): Promise<T> {
    const source = this.#sources.get(peer.actor.deviceId);
    if (source === undefined) return kept;
    source.underWay.add(nonce);
    try {
      return await kept;
    } catch (error) {
      if (isOurFault(error)) rememberRetry(source, id, nonce);
      throw error;
    } finally {
      source.underWay.delete(nonce);
    }
  }

  /** Nonces to save; those of sources without a connection are let go when they are saved. */
  takeUnsaved(): SourceNonce[] {
    const unsaved: SourceNonce[] = [];
    for (const [deviceId, source] of this.#sources) {
      const { tenantId, lastNonce, savedNonce, underWay, retries } = source;
      const open = Math.min(...underWay, ...retries.keys());
      const safeNonce = Math.min(lastNonce, open - 1);
      if (safeNonce > savedNonce) unsaved.push({ tenantId, deviceId, lastNonce: safeNonce });
      else if (source.peers.size === 0 && open === Number.POSITIVE_INFINITY) this.#sources.delete(deviceId);
    }
    return unsaved;
  }

  /** Notes what was saved. */
  markSaved(nonces: readonly SourceNonce[]): void {
    for (const { deviceId, lastNonce } of nonces) {
      const source = this.#sources.get(deviceId);
      if (source !== undefined) source.savedNonce = Math.max(source.savedNonce, lastNonce);
    }
  }

  /** Takes the device out. */
  forget(deviceId: DeviceId): void {
    this.#sources.delete(deviceId);
  }

  #begin({ actor: { deviceId, tenantId } }: Peer): Source {
    const source: Source = {
      peers: new Set(),
      serverNonce: 0,
      tenantId,
      loaded: this.#store.findLastNonce(deviceId).then((nonce) => {
        source.lastNonce = nonce;
        source.savedNonce = nonce;
      }),
      lastNonce: 0,
      savedNonce: 0,
      underWay: new Set(),
      retries: new Map(),
    };
    this.#sources.set(deviceId, source);
    return source;
  }
}

function rememberRetry({ retries }: Source, id: string, nonce: number): void {
  retries.set(nonce, id);
  const oldest = retries.keys().next().value;
  if (retries.size > RETRIES_REMEMBERED && oldest !== undefined) retries.delete(oldest);
}
