import { addressGroup } from '../../kernel/network-address.ts';
import type { RateWindow } from '../pipeline/rates.ts';
import { OPENING_MAX, OPENING_PER_ADDRESS_MAX } from './limits.ts';

/** A connection that isn't open yet. */
interface Opening {
  readonly end: () => void;
}

/**
 * The connections that are not open yet, bounded in number, in all and by address, IPv6 by network. Where all places are taken,
 * the address that has most of them loses its oldest to one that has fewer, and one that has none always gets a place: no number of
 * addresses can keep the next one out. Who opens a session needs its place for a moment; who keeps one without opening loses it.
 */
export class OpeningConnections {
  readonly #handshakes: RateWindow | null;
  /** The oldest of each address first. */
  readonly #byAddress = new Map<string, Set<Opening>>();
  #count = 0;

  /** `handshakes` counts them in time, by address; null: it is not limited. */
  constructor(handshakes: RateWindow | null) {
    this.#handshakes = handshakes;
  }

  /** What to call once, when the connection is open or over; null: there are too many. `end` ends it, for another's sake. */
  enter(remoteAddress: string, end: () => void): (() => void) | null {
    const address = addressGroup(remoteAddress);
    const fromThere = this.#byAddress.get(address)?.size ?? 0;
    if (fromThere >= OPENING_PER_ADDRESS_MAX) return null;
    if (this.#handshakes?.take(address).isTaken === false) return null;
    if (this.#count >= OPENING_MAX && !this.#makeRoom(fromThere)) return null;
    const opening = { end };
    this.#count++;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? new Set()).add(opening));
    return () => this.#leave(address, opening);
  }

  /** Ends the oldest of the address with the most, if the newcomer's has none or these are more than it would have. */
  #makeRoom(fromThere: number): boolean {
    let most: ReadonlySet<Opening> = new Set();
    for (const openings of this.#byAddress.values()) if (openings.size > most.size) most = openings;
    const [oldest] = most;
    if (oldest === undefined || (fromThere > 0 && most.size <= fromThere + 1)) return false;
    oldest.end();
    return this.#count < OPENING_MAX;
  }

  #leave(address: string, opening: Opening): void {
    const openings = this.#byAddress.get(address);
    if (openings?.delete(opening) !== true) return;
    this.#count--;
    if (openings.size === 0) this.#byAddress.delete(address);
  }
}
