import { relayError } from './errors.ts';
import { QUESTIONS_MAX } from './limits.ts';
import type { Memberships, NetworkDevice } from './ports.ts';
import type { Peer } from './types.ts';

/** Tells senders of TRANSIENT frames when their destination doesn't exist, as far as that costs the database little. */
export class Questions {
  readonly #memberships: Pick<Memberships, 'isMember'>;
  /** Whose frames are looked into at this moment, and how many. */
  readonly #asking = new Map<Peer, number>();

  constructor(memberships: Pick<Memberships, 'isMember'>) {
    this.#memberships = memberships;
  }

  /** 0, at once where enough is asked for this peer already. Refuses with `frame_destination_unknown`. */
  requireMember(peer: Peer, device: NetworkDevice): number | Promise<number> {
    const asking = this.#asking.get(peer) ?? 0;
    if (asking >= QUESTIONS_MAX) return 0;
    this.#asking.set(peer, asking + 1);
    return this.#memberships
      .isMember(device)
      .finally(() => {
        const left = (this.#asking.get(peer) ?? 1) - 1;
        if (left === 0) this.#asking.delete(peer);
        else this.#asking.set(peer, left);
      })
      .then((isMember) => {
        if (!isMember) throw relayError('frame_destination_unknown');
        return 0;
      });
  }
}
