import { ask } from './api/http.ts';
import type { Device, ListPage } from './api/types.ts';

/** As many devices come in one answer. */
const PAGE_DEVICES = 200;
/** Pages that are read anew at once: as many as a screen can show parts of, and one for what is new. */
const REFRESHED_PAGES_MAX = 4;

interface LoadedPage {
  /** What it was asked for with. */
  readonly after: string | null;
  readonly items: readonly Device[];
  readonly next: string | null;
}

/**
 * All devices, a page at a time, and later only those pages anew that somebody looks at: a household of ten thousand costs one
 * request every few seconds.
 */
export class DeviceList {
  #pages = $state.raw<readonly LoadedPage[]>([]);
  #complete = $state(false);
  readonly #network: string;

  /** Of one network (its id), or (null) of all. */
  constructor(networkId: string | null) {
    this.#network = networkId === null ? '' : `&networkId=${networkId}`;
  }

  /** Those that have arrived, in the order in which they were registered. */
  get items(): readonly Device[] {
    return this.#pages.flatMap(({ items }) => items);
  }

  /** True when all have arrived. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Reads all of them. Ends early where `signal` is aborted. */
  async load(signal: AbortSignal): Promise<void> {
    let after: string | null = null;
    do {
      const page: LoadedPage = await this.#read(after);
      if (signal.aborted) return;
      this.#pages = [...this.#pages, page];
      after = page.next;
    } while (after !== null);
    this.#complete = true;
  }

  /** What was told of a device since. */
  apply(id: string, change: Pick<Device, 'status' | 'lastSeenAt'>): void {
    this.#pages = this.#pages.map((page) =>
      page.items.some((device) => device.id === id)
        ? {
            ...page,
            items: page.items.map((device) => (device.id === id ? { ...device, ...change } : device)),
          }
        : page,
    );
  }

  /** Reads anew what these are on, and what has been registered since. */
  async refresh(seen: readonly Device[]): Promise<void> {
    if (!this.#complete) return;
    const ids = new Set(seen.map(({ id }) => id));
    const last = this.#pages.length - 1;
    const looked = this.#pages
      .map((page, index) => ({ page, index }))
      .filter(({ page, index }) => index === last || page.items.some(({ id }) => ids.has(id)))
      .slice(-REFRESHED_PAGES_MAX);
    const read = await Promise.all(
      looked.map(async ({ page, index }) => ({ index, page: await this.#read(page.after) })),
    );
    const pages = [...this.#pages];
    for (const { index, page } of read) pages[index] = page;
    this.#pages = pages;
    const end = pages.at(-1)?.next ?? null;
    if (end !== null) this.#pages = [...pages, await this.#read(end)];
  }

  async #read(after: string | null): Promise<LoadedPage> {
    const from = after === null ? '' : `&after=${encodeURIComponent(after)}`;
    const path = `/devices?limit=${PAGE_DEVICES}${this.#network}${from}`;
    return { after, ...(await ask<ListPage<Device>>('GET', path)) };
  }
}
