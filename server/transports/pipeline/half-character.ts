/**
 * The path of a text in a JSON value that holds half of a character (a lone surrogate, which JSON can write as an escape: RFC
 * 8259 section 8.2), null where none does. No UTF-8 can carry it: who stores or forwards it would make another text of it.
 */
export function findHalfCharacter(value: unknown, where: string): string | null {
  const waiting: { readonly path: string; readonly part: unknown }[] = [{ path: where, part: value }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, part } = next;
    if (typeof part === 'string' && !part.isWellFormed()) return path;
    if (typeof part !== 'object' || part === null) continue;
    for (const [name, inner] of Object.entries(part)) {
      if (!name.isWellFormed()) return path;
      waiting.push({ path: path === '' ? name : `${path}.${name}`, part: inner });
    }
  }
  return null;
}
