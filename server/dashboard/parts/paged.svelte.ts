import { ask } from '../api/http.ts';
import type { ListPage } from '../api/types.ts';
import { errorText } from './error-text.ts';

/** As many come in one answer. */
const PAGE_ITEMS = 100;

/** A list of the API of which the first pages are shown, and more when somebody asks for them. */
export class Paged<Item> {
  #items = $state.raw<readonly Item[] | null>(null);
  #next = $state<string | null>(null);
  #failure = $state<string | null>(null);
  readonly #path: string;

  /** `path` with its filters, without pages: `/actions?deviceId=...`. */
  constructor(path: string) {
    this.#path = path;
  }

  /** What has arrived; null: nothing was answered yet. */
  get items(): readonly Item[] | null {
    return this.#items;
  }

  /** True while there are more. */
  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** What went wrong last, for people; null: nothing. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Reads anew what is shown. */
  async refresh(): Promise<void> {
    const shown = this.#items?.length ?? 0;
    await this.#begin(async () => {
      const items: Item[] = [];
      let after: string | null = null;
      do {
        const page: ListPage<Item> = await this.#read(after);
        items.push(...page.items);
        after = page.next;
      } while (after !== null && items.length < shown);
      this.#items = items;
      this.#next = after;
    });
  }

  /** Reads one page more. */
  async more(): Promise<void> {
    await this.#begin(async () => {
      const { items, next } = await this.#read(this.#next);
      this.#items = [...(this.#items ?? []), ...items];
      this.#next = next;
    });
  }

  async #begin(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failure = null;
    } catch (error) {
      this.#failure = errorText(error);
    }
  }

  #read(after: string | null): Promise<ListPage<Item>> {
    const from = after === null ? '' : `&after=${encodeURIComponent(after)}`;
    const joint = this.#path.includes('?') ? '&' : '?';
    return ask('GET', `${this.#path}${joint}limit=${PAGE_ITEMS}${from}`);
  }
}
