const NOBODY: ReadonlySet<never> = new Set();

/**
 * Members by key, each group in the order in which they came. Most groups have one member (a device has one connection):
 * that one is kept without a set, which would take four times its memory.
 */
export class Groups<Key, Member extends object> {
  readonly #groups = new Map<Key, Member | Set<Member>>();

  /** Adds a member; one that is there already stays where it is. */
  add(key: Key, member: Member): void {
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, member);
    else if (group instanceof Set) group.add(member);
    else if (group !== member) this.#groups.set(key, new Set([group, member]));
  }

  /** False: it wasn't there. */
  remove(key: Key, member: Member): boolean {
    const group = this.#groups.get(key);
    if (group instanceof Set) {
      const removed = group.delete(member);
      if (group.size === 0) this.#groups.delete(key);
      return removed;
    }
    return group === member && this.#groups.delete(key);
  }

  /** Takes a whole group out. */
  delete(key: Key): void {
    this.#groups.delete(key);
  }

  has(key: Key, member: Member): boolean {
    const group = this.#groups.get(key);
    return group instanceof Set ? group.has(member) : group !== undefined && group === member;
  }

  /** True: the group has members. */
  hasAny(key: Key): boolean {
    return this.#groups.has(key);
  }

  /** The member that has been there the longest. */
  first(key: Key): Member | undefined {
    for (const member of this.of(key)) return member;
    return undefined;
  }

  countOf(key: Key): number {
    const group = this.#groups.get(key);
    if (group === undefined) return 0;
    return group instanceof Set ? group.size : 1;
  }

  /** The members of a group. What is added or removed while they are gone through may or may not be among them. */
  of(key: Key): Iterable<Member> {
    const group = this.#groups.get(key);
    if (group === undefined) return NOBODY;
    return group instanceof Set ? group : [group];
  }

  /** The members of all groups. */
  *all(): Iterable<Member> {
    for (const key of this.#groups.keys()) yield* this.of(key);
  }
}
