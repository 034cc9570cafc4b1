/** Where a level of a topic begins. */
const SEPARATOR = '/';

interface Node<Value> {
  readonly children: Map<string, Node<Value>>;
  readonly values: Map<string, Value>;
}

/** Topics or topic filters of MQTT (section 4.7), by their levels, each with values under keys of their own. */
export class TopicTrie<Value> {
  readonly #root: Node<Value> = newNode();
  #size = 0;

  /** How many values there are. */
  get size(): number {
    return this.#size;
  }

  /** Puts the value in the place of one under the same key. */
  set(path: string, key: string, value: Value): void {
    let node = this.#root;
    for (const level of path.split(SEPARATOR)) {
      let child = node.children.get(level);
      if (child === undefined) {
        child = newNode();
        node.children.set(level, child);
      }
      node = child;
    }
    if (!node.values.has(key)) this.#size++;
    node.values.set(key, value);
  }

  /** False: there was none. Levels that lead nowhere any more go, too. */
  delete(path: string, key: string): boolean {
    const levels = path.split(SEPARATOR);
    const way = [this.#root];
    for (const level of levels) {
      const child = way.at(-1)?.children.get(level);
      if (child === undefined) return false;
      way.push(child);
    }
    if (way.at(-1)?.values.delete(key) !== true) return false;
    this.#size--;
    for (let depth = levels.length; depth > 0; depth--) {
      const { children, values } = way[depth] as Node<Value>;
      if (children.size > 0 || values.size > 0) break;
      way[depth - 1]?.children.delete(levels[depth - 1] as string);
    }
    return true;
  }

  /** The values of the filters that match a topic. A wildcard in the first level matches no topic with `$` [MQTT-4.7.2-1]. */
  matchTopic(topic: string): Value[] {
    const found: Value[] = [];
    const levels = topic.split(SEPARATOR);
    const walk = (node: Node<Value>, depth: number): void => {
      const wild = depth > 0 || !topic.startsWith('$');
      if (wild) addValues(node.children.get('#'), found);
      if (depth === levels.length) {
        addValues(node, found);
        return;
      }
      const exact = node.children.get(levels[depth] as string);
      if (exact !== undefined) walk(exact, depth + 1);
      const any = wild ? node.children.get('+') : undefined;
      if (any !== undefined) walk(any, depth + 1);
    };
    walk(this.#root, 0);
    return found;
  }

  /** The values of the topics that a filter matches. */
  *matchFilter(filter: string): Generator<Value> {
    yield* walkTopics(this.#root, filter.split(SEPARATOR), 0);
  }
}

function newNode<Value>(): Node<Value> {
  return { children: new Map(), values: new Map() };
}

function addValues<Value>(node: Node<Value> | undefined, found: Value[]): void {
  if (node !== undefined) for (const value of node.values.values()) found.push(value);
}

function* walkTopics<Value>(node: Node<Value>, filter: readonly string[], depth: number): Generator<Value> {
  const level = filter[depth];
  if (level === undefined) {
    yield* node.values.values();
    return;
  }
  if (level !== '#' && level !== '+') {
    const child = node.children.get(level);
    if (child !== undefined) yield* walkTopics(child, filter, depth + 1);
    return;
  }
  // `a/#` matches `a`, too (section 4.7.1.2).
  if (level === '#') yield* node.values.values();
  for (const [name, child] of node.children) {
    if (depth === 0 && name.startsWith('$')) continue;
    yield* walkTopics(child, filter, level === '#' ? depth : depth + 1);
  }
}
