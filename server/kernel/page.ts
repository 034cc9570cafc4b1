/** Where a page of a list goes on that is in the order of time: behind an item of this time and id, which may be gone by now. */
export interface ListPosition<Id> {
  readonly createdAtMs: number;
  readonly id: Id;
}

/** Some items of a list, in order. `next` is what the next page asks with; null: there is none. */
export interface Page<Item, Position> {
  readonly items: readonly Item[];
  readonly next: Position | null;
}

/** The first `limit` of the items found, where one more was asked for to see whether there is a next page. */
export function pageOf<Item, Position>(
  found: readonly Item[],
  limit: number,
  positionOf: (item: Item) => Position,
): Page<Item, Position> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? positionOf(last) : null };
}

/** The place of an item by its own time. */
export const byCreation = <Id>({ createdAtMs, id }: ListPosition<Id>): ListPosition<Id> => ({
  createdAtMs,
  id,
});

/** A position as the two parameters of a comparison in SQL; both null: the beginning of the list. */
export function sqlPosition<Id>(after: ListPosition<Id> | null): {
  readonly at: Date | null;
  readonly id: Id | null;
} {
  return after === null ? { at: null, id: null } : { at: new Date(after.createdAtMs), id: after.id };
}
