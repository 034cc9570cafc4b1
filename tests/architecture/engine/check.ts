import { resolve } from 'node:path';
import { SURROUNDINGS } from '../rules/surroundings.ts';
import { findMissingDocstrings } from './docstrings.ts';
import { findLongFunctions } from './functions.ts';
import { cruise, findHomeless, findUnusedAllowances, violationsOf } from './imports.ts';
import { findSchemaViolations } from './migrations.ts';
import { findUntidy } from './names.ts';
import { findReadmeViolations, findSqlViolations } from './sql-rules.ts';
import { findSurroundings } from './surroundings.ts';
import { readTree, type Violation } from './tree.ts';

/** Every rule but the lists of imports, which are called `imports-of-<layer>`. A fixture breaks each of them. */
export const RULES: readonly string[] = [
  'no-cycle',
  'no-orphan',
  'not-resolvable',
  'commands-are-joined-in-one-file',
  'commands-load-their-code-when-they-run',
  'one-layer',
  ...Object.keys(SURROUNDINGS),
  'docstring',
  'function-length',
  'file-length',
  'names',
  'unfinished',
  'sql-parses',
  'sql-in-stores-only',
  'store-statements',
  'tables-of-others',
  'tables-have-owners',
  'rows-are-secured',
  'migrations-go-back',
  'readme-tables',
];

/**
 * What every rule refuses in the tree at `root`. `fixtures` are the paths of the breaks in it: what they import counts
 * as a break, but not as a need for a line in a list.
 */
export async function checkTree(root: string, fixtures: ReadonlySet<string>): Promise<readonly Violation[]> {
  const cruising = cruise(root);
  const schema = findSchemaViolations(resolve(root));
  const tree = readTree(root);
  const findings = [
    ...findHomeless(tree),
    ...findSurroundings(tree),
    ...findLongFunctions(tree),
    ...findMissingDocstrings(tree),
    ...findUntidy(tree),
    ...findSqlViolations(tree),
    ...findReadmeViolations(tree),
  ];
  const cruised = await cruising;
  const modules = cruised.modules.filter(({ source }) => !fixtures.has(source));
  return [
    ...findings,
    ...(await schema),
    ...violationsOf(cruised),
    ...findUnusedAllowances({ ...cruised, modules }),
  ];
}
