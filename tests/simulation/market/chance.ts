import { createSeededRandom } from '../../support/random.ts';

/** Everything that a seed decides about a world. */
export class Chance {
  readonly #fraction: () => number;

  constructor(seed: number) {
    this.#fraction = createSeededRandom(seed).fraction;
  }

  /** True this often. */
  happens(probability: number): boolean {
    return this.#fraction() < probability;
  }

  /** Between both, evenly. */
  between(min: number, max: number): number {
    return min + this.#fraction() * (max - min);
  }

  /** A whole number from `min` to `max`. */
  whole(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  /** A time with this mean, as between calls on a telephone. */
  waitMs(meanMs: number): number {
    return -Math.log(1 - this.#fraction()) * meanMs;
  }

  /** One of them. */
  oneOf<T>(values: readonly T[]): T {
    return values[this.whole(0, values.length - 1)] as T;
  }
}
