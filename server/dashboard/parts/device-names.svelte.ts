import { SvelteMap } from 'svelte/reactivity';
import { ask } from '../api/http.ts';
import type { Device } from '../api/types.ts';

/** Characters of an id that stand for a name that nobody may see. */
const SHORT_ID_CHARACTERS = 8;

/** What devices are called of which a list has only the ids. Each is asked for once, when it is first shown. */
export class DeviceNames {
  readonly #names = new SvelteMap<string, string>();
  readonly #asked = new Set<string>();

  /** Its name; the beginning of its id until that is known, and where it can't be seen. */
  of(id: string): string {
    const name = this.#names.get(id);
    if (name === undefined && !this.#asked.has(id)) void this.#ask(id);
    return name ?? id.slice(0, SHORT_ID_CHARACTERS);
  }

  async #ask(id: string): Promise<void> {
    this.#asked.add(id);
    try {
      const { name } = await ask<Device>('GET', `/devices/${encodeURIComponent(id)}`);
      this.#names.set(id, name);
    } catch {
      // Gone, or nobody's to see: its id stands for it.
    }
  }
}
