import type { NativeRequest } from './uws.ts';

/** Header values by lower-case name. Copied because the library's request doesn't outlive its callback. */
export class Headers {
  readonly #values = new Map<string, string[]>();
  #bytes = 0;

  constructor(native: Pick<NativeRequest, 'forEach'>) {
    native.forEach((name, value) => {
      this.#bytes += name.length + value.length + SEPARATOR_BYTES;
      const values = this.#values.get(name);
      if (values) values.push(value);
      else this.#values.set(name, [value]);
    });
  }

  /** What they took on the wire, but for spaces. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first value: what matters here appears once, and a second one must not override it. */
  first(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  someValue(matches: (value: string) => boolean): boolean {
    for (const values of this.#values.values()) if (values.some(matches)) return true;
    return false;
  }
}

/** A colon and the end of the line. */
const SEPARATOR_BYTES = 3;
