import { ask } from '../api/http.ts';
import type { ListPage } from '../api/types.ts';
import { errorText } from './error-text.ts';

/** A list that is read a page at a time, as far as somebody wants to see it. */
export class PagedList<Item> {
  readonly #path: string;
  #items = $state.raw<readonly Item[]>([]);
  #next = $state.raw<string | null | undefined>(undefined);
  #failure = $state.raw<string | null>(null);
  #busy = false;

  /** Of an address below `/api/v1`, which may have a query. */
  constructor(path: string) {
    this.#path = path;
  }

  /** What has arrived. */
  get items(): readonly Item[] {
    return this.#items;
  }

  /** Nothing has arrived yet. */
  get isLoading(): boolean {
    return this.#next === undefined && this.#failure === null;
  }

  /** There is more than what has arrived. */
  get hasMore(): boolean {
    return typeof this.#next === 'string';
  }

  /** What went wrong; null: nothing. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Reads the next page. */
  readonly more = async (): Promise<void> => {
    if (this.#busy || this.#next === null) return;
    this.#busy = true;
    try {
      const after = this.#next === undefined ? '' : `after=${encodeURIComponent(this.#next)}`;
      const sign = this.#path.includes('?') ? '&' : '?';
      const page = await ask<ListPage<Item>>('GET', `${this.#path}${after === '' ? '' : sign + after}`);
      this.#items = [...this.#items, ...page.items];
      this.#next = page.next;
      this.#failure = null;
    } catch (error) {
      this.#failure = errorText(error);
    } finally {
      this.#busy = false;
    }
  };

  /** Reads all that there was anew: something of it has changed. */
  async reload(): Promise<void> {
    this.#next = undefined;
    this.#items = [];
    await this.more();
  }
}
