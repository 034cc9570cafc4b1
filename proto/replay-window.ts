/** How many nonces back from a source's highest one a frame may still come (RFC 4303 section 3.4.3). */
export const REPLAY_WINDOW_NONCES = 1_024;

const POSITION_MASK = REPLAY_WINDOW_NONCES - 1;
const WORD_BITS = 32;
/** Hexadecimal digits of 1, 2 and 3 set bits, the first bit first. */
const LEADING_BITS = ['', '8', 'c', 'e'] as const;

/** A window as it is kept: text, so that a database, a file and a flash page hold the same. */
export interface ReplayWindowContent {
  /** The highest nonce; 0 before the first. */
  readonly lastNonce: number;
  /** Hexadecimal: the first bit says whether `lastNonce` is used, each further one is a nonce below; zeros at the end are left out. */
  readonly recent: string;
}

/** What a window knows of a nonce. */
export type NonceState = 'new' | 'used' | 'too old';

/**
 * The nonces of one source that were used: sliding, as RFC 4303 section 3.4.3 has it. Frames may overtake each other by up
 * to `REPLAY_WINDOW_NONCES`; none counts twice.
 *
 * As long as nonces come without a gap, the window is two numbers. The first gap or late frame makes a ring of bits, one
 * for each nonce, at the place of its lowest ten bits.
 */
export class ReplayWindow {
  #last = 0;
  /** Without bits: the nonces from here to `#last` are used, and none below. */
  #runStart = 1;
  #bits: Uint32Array | null = null;

  /** Throws `RangeError` for content that no window gave. */
  constructor(content?: ReplayWindowContent) {
    if (content !== undefined) this.#load(content);
  }

  /** The highest nonce; 0 before the first. It stays when that nonce is released. */
  get last(): number {
    return this.#last;
  }

  /** Uses a nonce, and says what it was before. */
  use(nonce: number): NonceState {
    if (nonce > this.#last) {
      // Most nonces: one more, and no bits.
      if (this.#bits === null && nonce === this.#last + 1) this.#last = nonce;
      else this.#advance(nonce);
      return 'new';
    }
    if (nonce <= this.#last - REPLAY_WINDOW_NONCES || nonce < 1) return 'too old';
    if (this.#bits === null) {
      if (nonce >= this.#runStart) return 'used';
      if (nonce === this.#runStart - 1) {
        this.#runStart = nonce;
        return 'new';
      }
    }
    const bits = this.#bits ?? this.#makeBits();
    if (isSet(bits, nonce)) return 'used';
    set(bits, nonce);
    return 'new';
  }

  /** The nonce may be used once more. One that isn't in the window, or wasn't used, stays as it is. */
  release(nonce: number): void {
    if (nonce > this.#last || nonce <= this.#last - REPLAY_WINDOW_NONCES || nonce < 1) return;
    if (this.#bits === null) {
      if (nonce < this.#runStart) return;
      if (nonce === this.#runStart) {
        this.#runStart++;
        return;
      }
    }
    clear(this.#bits ?? this.#makeBits(), nonce);
  }

  /** The window to be kept, with `unused` left out: what may still be released. */
  content(unused: Iterable<number> = []): ReplayWindowContent {
    const window = this.#copy();
    for (const nonce of unused) window.release(nonce);
    return { lastNonce: window.#last, recent: window.#toHexadecimal() };
  }

  #advance(nonce: number): void {
    const distance = nonce - this.#last;
    if (distance >= REPLAY_WINDOW_NONCES) {
      this.#bits = null;
      this.#runStart = nonce;
    } else {
      const bits = this.#bits ?? this.#makeBits();
      clearBetween(bits, this.#last, nonce);
      set(bits, nonce);
    }
    this.#last = nonce;
  }

  #makeBits(): Uint32Array {
    const bits = new Uint32Array(REPLAY_WINDOW_NONCES / WORD_BITS);
    for (let nonce = Math.max(this.#runStart, this.#oldest()); nonce <= this.#last; nonce++) set(bits, nonce);
    this.#bits = bits;
    return bits;
  }

  #oldest(): number {
    return Math.max(1, this.#last - REPLAY_WINDOW_NONCES + 1);
  }

  #copy(): ReplayWindow {
    const copy = new ReplayWindow();
    copy.#last = this.#last;
    copy.#runStart = this.#runStart;
    copy.#bits = this.#bits?.slice() ?? null;
    return copy;
  }

  #toHexadecimal(): string {
    const oldest = this.#oldest();
    if (this.#bits === null) {
      const used = this.#last - Math.max(this.#runStart, oldest) + 1;
      return 'f'.repeat(used >> 2) + (LEADING_BITS[used & 3] ?? '');
    }
    let text = '';
    for (let nonce = this.#last; nonce >= oldest; nonce -= 4) {
      let digit = 0;
      for (let bit = 0; bit < 4; bit++) {
        digit = (digit << 1) | (nonce - bit >= oldest && isSet(this.#bits, nonce - bit) ? 1 : 0);
      }
      text += digit.toString(16);
    }
    return text.replace(/0+$/, '');
  }

  #load({ lastNonce, recent }: ReplayWindowContent): void {
    const isHexadecimal = /^[0-9a-f]*$/.test(recent) && recent.length <= REPLAY_WINDOW_NONCES / 4;
    if (!Number.isSafeInteger(lastNonce) || lastNonce < 0 || !isHexadecimal) {
      throw new RangeError('this is not the content of a replay window');
    }
    this.#last = lastNonce;
    this.#runStart = lastNonce + 1;
    for (let index = 0; index < recent.length; index++) {
      const digit = Number.parseInt(recent.charAt(index), 16);
      for (let bit = 0; bit < 4; bit++) {
        if ((digit & (8 >> bit)) !== 0) this.use(lastNonce - 4 * index - bit);
      }
    }
  }
}

// A nonce has up to 53 bits; bitwise operators see the lowest 32, of which the ring needs ten.

function isSet(bits: Uint32Array, nonce: number): boolean {
  return (((bits[(nonce & POSITION_MASK) >> 5] as number) >>> (nonce & 31)) & 1) === 1;
}

function set(bits: Uint32Array, nonce: number): void {
  const word = (nonce & POSITION_MASK) >> 5;
  bits[word] = (bits[word] as number) | (1 << (nonce & 31));
}

function clear(bits: Uint32Array, nonce: number): void {
  const word = (nonce & POSITION_MASK) >> 5;
  bits[word] = (bits[word] as number) & ~(1 << (nonce & 31));
}

/** Clears the places of the nonces above `last` and below `nonce`, whole words where it can. */
function clearBetween(bits: Uint32Array, last: number, nonce: number): void {
  for (let next = last + 1; next < nonce; ) {
    if ((next & 31) === 0 && next + WORD_BITS <= nonce) {
      bits[(next & POSITION_MASK) >> 5] = 0;
      next += WORD_BITS;
    } else clear(bits, next++);
  }
}
