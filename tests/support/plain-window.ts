import { REPLAY_WINDOW_NONCES, type ReplayWindowContent } from '../../proto/index.ts';

/** A replay window as a plain set: what the real one, and the database's, are held against. */
export class PlainWindow {
  last = 0;
  #used = new Set<number>();

  /** True for one that was not used, and is in the window or above it. */
  use(nonce: number): boolean {
    if (nonce < 1 || nonce <= this.last - REPLAY_WINDOW_NONCES || this.#used.has(nonce)) return false;
    this.#used.add(nonce);
    this.#raise(nonce);
    return true;
  }

  isUsed(nonce: number): boolean {
    return nonce > this.last - REPLAY_WINDOW_NONCES && this.#used.has(nonce);
  }

  release(nonce: number): void {
    if (nonce > this.last - REPLAY_WINDOW_NONCES) this.#used.delete(nonce);
  }

  /** Adds what another window has used. */
  add({ lastNonce, recent }: ReplayWindowContent): void {
    this.#raise(lastNonce);
    for (const [index, digit] of [...recent].entries()) {
      for (let bit = 0; bit < 4; bit++) {
        const nonce = lastNonce - 4 * index - bit;
        if ((Number.parseInt(digit, 16) & (8 >> bit)) !== 0) this.#used.add(nonce);
      }
    }
    this.#raise(this.last);
  }

  content(): ReplayWindowContent {
    const bits = Array.from({ length: REPLAY_WINDOW_NONCES }, (_, below) =>
      this.#used.has(this.last - below) ? '1' : '0',
    ).join('');
    const digits = bits.match(/.{4}/g)?.map((four) => Number.parseInt(four, 2).toString(16)) ?? [];
    return { lastNonce: this.last, recent: digits.join('').replace(/0+$/, '') };
  }

  #raise(nonce: number): void {
    this.last = Math.max(this.last, nonce);
    if (this.#used.size < 2 * REPLAY_WINDOW_NONCES) return;
    for (const used of this.#used) if (used <= this.last - REPLAY_WINDOW_NONCES) this.#used.delete(used);
  }
}
