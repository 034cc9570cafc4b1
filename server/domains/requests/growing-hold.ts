import { BYTES_PER_TOKEN, MORE_TOKENS_MIN } from './limits.ts';

/** The request whose hold grows. */
export interface GrowingRequest {
  /** Tokens of the answer that the hold covers. */
  readonly heldTokens: number;
  /** Holds for so many tokens of the answer in all. False: that is more than there is, or than was allowed. */
  holdFor(tokens: number): Promise<boolean>;
  /** Nothing more can be held, and what is held is used up. */
  usedUp(): void;
  /** Nobody knows what is held: the ledger didn't answer. */
  lost(): void;
}

/**
 * Holds more while an answer without a limit grows: as soon as half of what is held is used, twice as much. Where that is
 * too much, as much as can be; then the answer ends.
 */
export class GrowingHold {
  readonly #request: GrowingRequest;
  readonly #tokensMax: number;
  #bytes: number;
  /** No more can be held. */
  #isLast = false;
  #isEnded = false;
  #growth: Promise<void> | null = null;

  /** `tokensMax`: what the context leaves for the answer, of which there are `usedTokens` already. */
  constructor(request: GrowingRequest, tokensMax: number, usedTokens: number) {
    this.#request = request;
    this.#tokensMax = tokensMax;
    this.#bytes = usedTokens * BYTES_PER_TOKEN;
  }

  /** The answer has grown by `text`. */
  add(text: string): void {
    this.#bytes += Buffer.byteLength(text);
    this.#look();
  }

  /** The answer has ended. Resolves when all of it is held, as far as can be, and no hold is on its way. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#growth;
    if (!this.#isLast && this.#usedTokens > this.#request.heldTokens) await this.#growInTurn();
  }

  get #usedTokens(): number {
    return Math.ceil(this.#bytes / BYTES_PER_TOKEN);
  }

  #look(): void {
    const { heldTokens } = this.#request;
    // With room for all that the context takes, the model's end is the answer's.
    if (this.#isEnded || heldTokens >= this.#tokensMax) return;
    if (this.#isLast && this.#usedTokens >= heldTokens) this.#request.usedUp();
    if (!this.#isLast && this.#growth === null && this.#usedTokens * 2 >= heldTokens) {
      this.#growth = this.#growInTurn();
    }
  }

  async #growInTurn(): Promise<void> {
    try {
      await this.#grow();
    } catch {
      this.#isLast = true;
      this.#request.lost();
    }
    this.#growth = null;
    this.#look();
  }

  async #grow(): Promise<void> {
    const request = this.#request;
    const held = request.heldTokens;
    const wanted = Math.max(held, this.#usedTokens) * (this.#isEnded ? 1 : 2);
    for (let more = wanted - held; more >= 1; more = more > MORE_TOKENS_MIN ? Math.floor(more / 2) : 0) {
      if (await request.holdFor(Math.min(held + more, this.#tokensMax))) return;
    }
    this.#isLast = true;
  }
}
