/** Where a level of a topic begins. */
const SEPARATOR = '/';

/**
 * True: each topic that `asked` matches is matched by `allowed`, too (MQTT 5 section 4.7). Both are filters; a topic is one without
 * wildcards. What begins with `$` is matched by no wildcard in the first level [MQTT-4.7.2-1].
 */
export function coversFilter(allowed: string, asked: string): boolean {
  const wide = allowed.split(SEPARATOR);
  const narrow = asked.split(SEPARATOR);
  if (asked.startsWith('$') && isWildcard(wide[0])) return false;
  for (const [depth, level] of wide.entries()) {
    // `a/#` matches `a` as well.
    if (level === '#') return true;
    const given = narrow[depth];
    if (given === undefined || given === '#') return false;
    if (level !== '+' && level !== given) return false;
  }
  return narrow.length === wide.length;
}

/** True for a topic filter as the protocol has them: wildcards stand alone, `#` last, and there is no U+0000. */
export function isTopicFilter(text: string): boolean {
  const levels = text.split(SEPARATOR);
  return (
    text !== '' &&
    !text.includes('\0') &&
    levels.every((level, depth) => {
      if (level === '#') return depth === levels.length - 1;
      return level === '+' || !/[#+]/.test(level);
    })
  );
}

const isWildcard = (level: string | undefined): boolean => level === '#' || level === '+';
