/** How a path is: its round trip in milliseconds, and the part of what is lost there, 0 to 1. */
export interface PathQuality {
  readonly roundTripMs: number;
  readonly loss: number;
}

/** A direct path is taken while its round trip is at most so many times the relay's, and these milliseconds that nobody notices; */
const TAKEN = { times: 1.25, ms: 5 } as const;
/** and left when it is longer than this, */
const LEFT = { times: 2, ms: 20 } as const;
/** so many measurements in a row, for either. */
const IN_A_ROW = 5;
/** How much each lost part counts: what is lost comes a round trip later, or more. */
const LOSS_WEIGHT = 10;

/** Which path is taken: the direct one where it is hardly worse, and not another one with every measurement. */
export class PathChoice {
  #isDirect: boolean | null = null;
  #inFavour = 0;

  /** True: the direct path is taken. */
  get isDirect(): boolean {
    return this.#isDirect === true;
  }

  /** Takes a measurement. `relayMs` null: nobody measured the relay, and the direct path is taken. */
  measured({ roundTripMs, loss }: PathQuality, relayMs: number | null): boolean {
    const cost = roundTripMs * (1 + LOSS_WEIGHT * loss);
    const isWithin = ({ times, ms }: typeof TAKEN | typeof LEFT) =>
      relayMs === null || cost <= relayMs * times + ms;
    if (relayMs === null || this.#isDirect === null) {
      this.#isDirect = isWithin(TAKEN);
      this.#inFavour = 0;
      return this.#isDirect;
    }
    const isInFavour = this.#isDirect ? !isWithin(LEFT) : isWithin(TAKEN);
    this.#inFavour = isInFavour ? this.#inFavour + 1 : 0;
    if (this.#inFavour >= IN_A_ROW) {
      this.#isDirect = !this.#isDirect;
      this.#inFavour = 0;
    }
    return this.#isDirect;
  }

  /** The path is gone: the next one is judged anew. */
  reset(): void {
    this.#isDirect = null;
    this.#inFavour = 0;
  }
}
