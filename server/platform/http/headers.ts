import type { NativeRequest } from './uws.ts';

/** Header values by lower-case name. Copied because the library's request doesn't outlive its callback. */
export class Headers {
  /** In the order in which they came: they are few, and a list of them is made faster than a map. */
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #bytes = 0;

  constructor(native: Pick<NativeRequest, 'forEach'>) {
    native.forEach((name, value) => {
      this.#bytes += name.length + value.length + SEPARATOR_BYTES;
      this.#names.push(name);
      this.#values.push(value);
    });
  }

  /** What they took on the wire, but for spaces. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first value: what matters here appears once, and a second one must not override it. */
  first(name: string): string | undefined {
    return this.#values[this.#names.indexOf(name)];
  }

  all(name: string): readonly string[] {
    const first = this.#names.indexOf(name);
    return first === -1
      ? NONE
      : this.#values.filter((_, index) => index >= first && this.#names[index] === name);
  }

  someValue(matches: (value: string) => boolean): boolean {
    return this.#values.some(matches);
  }
}

const NONE: readonly string[] = [];

/** A colon and the end of the line. */
const SEPARATOR_BYTES = 3;
