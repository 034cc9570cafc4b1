/** How many keys are noted before those whose values nobody holds any more are looked for. */
const SWEEP_MIN = 500;

/**
 * Values that are read once and held by those who use them: a value goes with the last of them. Whoever holds one sees what is changed
 * in it, so there is one of each at a time.
 */
export class HeldValues<Key, Value extends object> {
  readonly #make: (key: Key) => Value;
  readonly #fill: (key: Key, value: Value) => Promise<unknown>;
  readonly #values = new Map<Key, WeakRef<Value>>();
  readonly #loading = new Map<Key, Promise<Value>>();
  #sweepAt = SWEEP_MIN;

  /** `fill` reads what belongs into a value that `make` made. */
  constructor(make: (key: Key) => Value, fill: (key: Key, value: Value) => Promise<unknown>) {
    this.#make = make;
    this.#fill = fill;
  }

  /** The value, read where nobody holds it. Rejects as `fill` does; then it isn't there. */
  load(key: Key): Value | Promise<Value> {
    const known = this.#loading.get(key) ?? this.peek(key);
    if (known !== undefined) return known;
    this.#sweep();
    const value = this.#make(key);
    // Known before it is read: what is changed meanwhile is noted in it.
    this.#values.set(key, new WeakRef(value));
    const loading = this.#fill(key, value)
      .then(
        () => value,
        (error: unknown) => {
          this.#values.delete(key);
          throw error;
        },
      )
      .finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  /** The value, where somebody holds it. */
  peek(key: Key): Value | undefined {
    return this.#values.get(key)?.deref();
  }

  /** All that somebody holds. */
  *held(): Iterable<readonly [Key, Value]> {
    for (const [key, reference] of this.#values) {
      const value = reference.deref();
      if (value !== undefined) yield [key, value];
    }
  }

  #sweep(): void {
    if (this.#values.size < this.#sweepAt) return;
    for (const [key, reference] of this.#values) {
      if (reference.deref() === undefined) this.#values.delete(key);
    }
    this.#sweepAt = 2 * this.#values.size + SWEEP_MIN;
  }
}
