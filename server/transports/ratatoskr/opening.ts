import type { Clock } from '../../kernel/clock.ts';
import { addressGroup } from '../../kernel/network-address.ts';
import type { RateWindow } from '../pipeline/rates.ts';
import {
  COUNTED_ADDRESSES_MAX,
  OPENING_MAX,
  OPENING_PER_ADDRESS_MAX,
  PUZZLE_BITS,
  PUZZLE_FROM,
  PUZZLE_FROM_ALL,
} from './limits.ts';

const MINUTE_MS = 60_000;

/** What a connection has among those that open, until it is open or over. */
export interface OpeningPlace {
  /** The bits of the puzzle that its client has to solve before keys are agreed; 0: none. */
  readonly puzzleBits: number;
  /** Gives the place back, once; `isOpen`: somebody has opened a session, so it was no stranger. */
  leave(isOpen: boolean): void;
}

/** A connection that isn't open yet. */
interface Opening {
  readonly end: () => void;
}

/**
 * The connections that are not open yet, bounded in number, in all and by address, IPv6 by network. Where all places are taken,
 * the address that has most of them loses its oldest to one that has fewer, and one that has none always gets a place: no number of
 * addresses can keep the next one out. Who opens a session needs its place for a moment; who keeps one without opening loses it.
 * From where many sessions are begun and left, the next ones cost their clients more than the server.
 */
export class OpeningConnections {
  readonly #handshakes: RateWindow | null;
  /** The oldest of each address first. */
  readonly #byAddress = new Map<string, Set<Opening>>();
  #count = 0;
  readonly #clock: Clock;
  #minute = 0;
  /** Sessions that were begun in this minute and not opened, by address and in all. */
  readonly #left = new Map<string, number>();
  #leftOfAll = 0;

  /** `handshakes` counts them in time, by address; null: it is not limited. */
  constructor(handshakes: RateWindow | null, { clock }: { readonly clock: Clock }) {
    this.#handshakes = handshakes;
    this.#clock = clock;
  }

  /** The place of a connection; null: there are too many. `end` ends it, for another's sake. */
  enter(remoteAddress: string, end: () => void): OpeningPlace | null {
    const address = addressGroup(remoteAddress);
    const fromThere = this.#byAddress.get(address)?.size ?? 0;
    if (fromThere >= OPENING_PER_ADDRESS_MAX) return null;
    if (this.#handshakes?.take(address).isTaken === false) return null;
    if (this.#count >= OPENING_MAX && !this.#makeRoom(fromThere)) return null;
    const opening = { end };
    this.#count++;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? new Set()).add(opening));
    const { puzzleBits, minute } = this.#countBegun(address);
    return {
      puzzleBits,
      leave: (isOpen) => {
        if (this.#leave(address, opening) && isOpen) this.#countOpened(address, minute);
      },
    };
  }

  #countBegun(address: string): { readonly puzzleBits: number; readonly minute: number } {
    const minute = Math.floor(this.#clock.nowMs() / MINUTE_MS);
    if (minute !== this.#minute || this.#left.size >= COUNTED_ADDRESSES_MAX) {
      this.#left.clear();
      this.#leftOfAll = 0;
    }
    this.#minute = minute;
    const left = this.#left.get(address) ?? 0;
    const isMuch = left >= PUZZLE_FROM || (left > 0 && this.#leftOfAll >= PUZZLE_FROM_ALL);
    this.#left.set(address, left + 1);
    this.#leftOfAll++;
    return { puzzleBits: isMuch ? PUZZLE_BITS : 0, minute };
  }

  #countOpened(address: string, minute: number): void {
    const left = this.#left.get(address) ?? 0;
    if (minute !== this.#minute || left === 0) return;
    this.#left.set(address, left - 1);
    this.#leftOfAll--;
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

  /** False: it had no place any more. */
  #leave(address: string, opening: Opening): boolean {
    const openings = this.#byAddress.get(address);
    if (openings?.delete(opening) !== true) return false;
    this.#count--;
    if (openings.size === 0) this.#byAddress.delete(address);
    return true;
  }
}
