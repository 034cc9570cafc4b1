/** Adds to a list; `undo` gets what takes it back. */
export function push<T>(list: T[], item: T, undo: (() => void)[]): void {
  list.push(item);
  undo.push(() => list.pop());
}

/** Sets in a map; `undo` gets what puts back what was there. */
export function set<K, V>(map: Map<K, V>, key: K, value: V, undo: (() => void)[]): void {
  const before = map.get(key);
  map.set(key, value);
  undo.push(() => {
    if (before === undefined) map.delete(key);
    else map.set(key, before);
  });
}
