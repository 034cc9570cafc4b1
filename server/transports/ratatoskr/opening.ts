import { addressGroup } from '../../kernel/network-address.ts';
import type { RateWindow } from '../pipeline/rates.ts';
import { OPENING_MAX, OPENING_PER_ADDRESS_MAX } from './limits.ts';

/** The connections that are not open yet, bounded in number, in all and by address, IPv6 by network. */
export class OpeningConnections {
  readonly #handshakes: RateWindow | null;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  /** `handshakes` counts them in time, by address; null: it is not limited. */
  constructor(handshakes: RateWindow | null) {
    this.#handshakes = handshakes;
  }

  /** False: there are too many. Who came in leaves once, with the same address. */
  enter(remoteAddress: string): boolean {
    const address = addressGroup(remoteAddress);
    const fromThere = this.#byAddress.get(address) ?? 0;
    if (this.#count >= OPENING_MAX || fromThere >= OPENING_PER_ADDRESS_MAX) return false;
    if (this.#handshakes?.take(address).isTaken === false) return false;
    this.#count++;
    this.#byAddress.set(address, fromThere + 1);
    return true;
  }

  leave(remoteAddress: string): void {
    const address = addressGroup(remoteAddress);
    const left = (this.#byAddress.get(address) ?? 0) - 1;
    this.#count--;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
