/** What all lines of a queue may hold together. */
export interface FairQueueLimits {
  readonly itemsMax: number;
  readonly bytesMax: number;
  /** What one line may hold; without it, half of all that is free. */
  readonly itemsPerKeyMax?: number;
}

interface Entry<Item> {
  readonly item: Item;
  readonly bytes: number;
}

interface Line<Item> {
  /** Undefined: it was taken, and nothing of it is kept. */
  entries: (Entry<Item> | undefined)[];
  /** Where the line begins: what stands before it was taken. */
  first: number;
  bytes: number;
}

/** Taken entries after which a line is copied, so that their places don't stay in memory. */
const TAKEN_MAX = 1_024;

/**
 * A waiting line for each key, served in turn: who has much waiting makes itself wait, nobody else. A line may be as long as
 * the room that is free: one key alone fills half of it, and a key that has nothing waiting always finds some
 * (dynamic thresholds, Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998). Items of one key keep their order.
 */
export class FairQueue<Key, Item> {
  readonly #limits: FairQueueLimits;
  /** In the order of their turns: a map keeps the order in which its keys came. */
  readonly #lines = new Map<Key, Line<Item>>();
  #items = 0;
  #bytes = 0;

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  /** Items that wait. */
  get size(): number {
    return this.#items;
  }

  /** Adds an item at the end of its key's line. False: there is no room for it. */
  push(key: Key, item: Item, bytes = 0): boolean {
    const line = this.#lines.get(key);
    const lineItems = line === undefined ? 0 : line.entries.length - line.first;
    const freeItems = this.#limits.itemsMax - this.#items;
    const freeBytes = this.#limits.bytesMax - this.#bytes;
    const lineItemsMax = Math.min(freeItems, this.#limits.itemsPerKeyMax ?? freeItems);
    if (lineItems >= lineItemsMax || (line?.bytes ?? 0) + bytes > freeBytes) return false;
    if (line === undefined) this.#lines.set(key, { entries: [{ item, bytes }], first: 0, bytes });
    else {
      line.entries.push({ item, bytes });
      line.bytes += bytes;
    }
    this.#items++;
    this.#bytes += bytes;
    return true;
  }

  /** The item whose turn it is; it stays in its line. */
  peek(): Item | undefined {
    for (const line of this.#lines.values()) return line.entries[line.first]?.item;
    return undefined;
  }

  /** Takes the item whose turn it is out. Its key's next turn comes after one of every other key that waits. */
  take(): Item | undefined {
    for (const [key, line] of this.#lines) {
      const { item, bytes } = line.entries[line.first] as Entry<Item>;
      line.entries[line.first++] = undefined;
      this.#items--;
      this.#bytes -= bytes;
      line.bytes -= bytes;
      this.#lines.delete(key);
      if (line.first < line.entries.length) this.#lines.set(key, withoutTaken(line));
      return item;
    }
    return undefined;
  }
}

function withoutTaken<Item>(line: Line<Item>): Line<Item> {
  if (line.first < TAKEN_MAX) return line;
  return { entries: line.entries.slice(line.first), first: 0, bytes: line.bytes };
}
