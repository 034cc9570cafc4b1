/** Functions that want to know, by the name of what happens. */
export class Listeners<Events extends Record<string, unknown>> {
  readonly #byName = new Map<keyof Events, Set<(detail: never) => unknown>>();

  /** Adds a listener; the returned function takes it away again. */
  on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => unknown): () => void {
    const listeners = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /**
   * Tells all listeners of `name`. Returns what the asynchronous ones promised. One that fails doesn't keep the others
   * from hearing; its error surfaces as the program's own, uncaught.
   */
  emit<Name extends keyof Events>(name: Name, detail: Events[Name]): Promise<unknown>[] {
    const promises: Promise<unknown>[] = [];
    for (const listener of [...(this.#byName.get(name) ?? [])]) {
      try {
        const returned = (listener as (detail: Events[Name]) => unknown)(detail);
        if (returned instanceof Promise) promises.push(returned.catch(surface));
      } catch (error) {
        surface(error);
      }
    }
    return promises;
  }
}

function surface(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
