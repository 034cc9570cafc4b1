import type { DeviceId } from '../../kernel/ids.ts';
import type { RelayStore, SourceNonce } from './ports.ts';
import type { Peer } from './types.ts';

interface Source {
  readonly peer: Peer;
  lastNonce: number;
  savedNonce: number;
  connections: number;
  /** The last STORED frame under way: the next one waits for it, so that a source's order is kept. */
  tail: Promise<unknown>;
}

/**
 * The last nonce of every connected source. A nonce is used up in memory at once; STORED frames carry it into their
 * transaction, those of other frames are saved every second. After a crash a TRANSIENT frame of that last second could be
 * replayed; it changes nothing that is kept.
 */
export class Sources {
  readonly #store: Pick<RelayStore, 'findLastNonce'>;
  readonly #sources = new Map<DeviceId, Source>();

  constructor(store: Pick<RelayStore, 'findLastNonce'>) {
    this.#store = store;
  }

  /** A connection of this device begins. */
  async connect(peer: Peer): Promise<void> {
    const lastNonce = await this.#store.findLastNonce(peer.actor.deviceId);
    const source = this.#sources.get(peer.actor.deviceId);
    if (source !== undefined) source.connections++;
    else {
      this.#sources.set(peer.actor.deviceId, {
        peer,
        lastNonce,
        savedNonce: lastNonce,
        connections: 1,
        tail: Promise.resolve(),
      });
    }
  }

  /** A connection of this device ended. */
  disconnect(peer: Peer): void {
    const source = this.#sources.get(peer.actor.deviceId);
    if (source !== undefined) source.connections--;
  }

  /** The last nonce accepted from this device, 0 for none. */
  lastNonce(peer: Peer): number {
    return this.#sources.get(peer.actor.deviceId)?.lastNonce ?? 0;
  }

  /** Uses the nonce up. False: it, or a later one, was used before. */
  useNonce(peer: Peer, nonce: number): boolean {
    const source = this.#sources.get(peer.actor.deviceId);
    if (source === undefined || nonce <= source.lastNonce) return false;
    source.lastNonce = nonce;
    return true;
  }

  /** Runs `work` when all earlier work of this source has ended. */
  inOrder<T>(peer: Peer, work: () => Promise<T>): Promise<T> {
    const source = this.#sources.get(peer.actor.deviceId);
    if (source === undefined) return work();
    const result = source.tail.then(work);
    source.tail = result.catch(() => undefined);
    return result;
  }

  /** Nonces to save; those of sources without a connection are let go when they are saved. */
  takeUnsaved(): SourceNonce[] {
    const unsaved: SourceNonce[] = [];
    for (const [deviceId, source] of this.#sources) {
      if (source.lastNonce > source.savedNonce) {
        unsaved.push({ tenantId: source.peer.actor.tenantId, deviceId, lastNonce: source.lastNonce });
      } else if (source.connections <= 0) {
        this.#sources.delete(deviceId);
      }
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

  forget(deviceId: DeviceId): void {
    this.#sources.delete(deviceId);
  }
}
