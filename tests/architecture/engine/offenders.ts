import { DOCSTRINGS_MISSING, FUNCTIONS_TOO_LONG } from '../rules/offenders.ts';
import { findMissingDocstrings } from './docstrings.ts';
import { findLongFunctions } from './functions.ts';
import type { SourceTree, Violation } from './tree.ts';

/** One break of a rule that has a list of breaks which were there before it. */
export interface Offence {
  /** `path#name`. */
  readonly id: string;
  /** How bad it is, where that is a number. */
  readonly size?: number;
  readonly violation: Violation;
}

/**
 * The offences that the list doesn't excuse: new ones, and ones that grew beyond the size that the list gives. Lines
 * that excuse nothing any more are violations too, so that the list can only shrink.
 */
export function judgeOffences(
  offences: readonly Offence[],
  excused: ReadonlyMap<string, number>,
): readonly Violation[] {
  const found = new Map(offences.map((offence) => [offence.id, offence]));
  const news = offences
    .filter(({ id, size = 0 }) => size > (excused.get(id) ?? -1))
    .map(({ violation }) => violation);
  const stale = [...excused.keys()].filter((id) => !found.has(id));
  return [
    ...news,
    ...stale.map((id) => ({
      rule: 'unused-exception',
      path: id.split('#')[0] ?? id,
      line: 0,
      detail: `${id} is no offence any more: remove the line in rules/offenders.ts`,
    })),
  ];
}

/** Functions that are too long and exports without a docstring, but for the listed ones. */
export function findOffences(tree: SourceTree): readonly Violation[] {
  const long = findLongFunctions(tree).map(({ id, lines, violation }) => ({ id, size: lines, violation }));
  return [
    ...judgeOffences(long, new Map(Object.entries(FUNCTIONS_TOO_LONG))),
    ...judgeOffences(findMissingDocstrings(tree), new Map(DOCSTRINGS_MISSING.map((id) => [id, 0]))),
  ];
}
