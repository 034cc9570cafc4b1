import { loadModule, parseSync } from 'libpg-query';
import type { Hole, SqlText } from './sql-text.ts';

await loadModule();

/** A table, view or other relation that a statement names. */
export interface Relation {
  readonly name: string;
  /** Null where the statement leaves it to the search path. */
  readonly schema: string | null;
  readonly access: 'read' | 'write';
}

/** What PostgreSQL's own parser found in a text. */
export interface ParsedSql {
  /** The kinds of its statements, as the parser calls them: `SelectStmt`, `InsertStmt`. */
  readonly statements: readonly string[];
  readonly relations: readonly Relation[];
  /** Names of the functions that it calls, without their schema. */
  readonly functions: readonly string[];
  readonly tree: readonly Node[];
}

/** A node of the parser's tree. */
export type Node = { readonly [key: string]: unknown };

/** Stands for a name that is known at run time only. No table is called so. */
export const UNKNOWN_NAME = 'name_known_at_run_time';
/** What `sql(...)` may stand for, tried in this order. */
const HELPER_FORMS = [`(${UNKNOWN_NAME}) VALUES (NULL)`, `${UNKNOWN_NAME} = NULL`, '(NULL)', UNKNOWN_NAME];
/** Helpers in one statement; each has several forms to try. */
const HELPERS_MAX = 4;

/** Parses constant text; the message of PostgreSQL's parser where it can't. */
export function parseSql(text: string): ParsedSql | { readonly problem: string } {
  try {
    const nodes = (parseSync(text).stmts ?? []).map(({ stmt }) => stmt as unknown as Node);
    const found: { relations: Relation[]; functions: string[] } = { relations: [], functions: [] };
    for (const node of nodes) collect(node, new Set(), 'read', found);
    return { statements: nodes.flatMap((node) => Object.keys(node)), ...found, tree: nodes };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Parses text with holes: values become parameters, and a helper becomes the first of its forms that parses. */
export function parseSqlText(text: SqlText): ParsedSql | { readonly problem: string } {
  const helpers = text.filter((part): part is Hole => typeof part !== 'string' && part.kind === 'helper');
  if (helpers.length > HELPERS_MAX) return { problem: `more than ${HELPERS_MAX} helpers in one statement` };
  let problem = '';
  for (let choice = 0; choice < HELPER_FORMS.length ** helpers.length; choice++) {
    const parsed = parseSql(fill(text, choice));
    if (!('problem' in parsed)) return parsed;
    problem ||= parsed.problem;
  }
  return { problem };
}

/** What a fragment can be a part of: a condition or a value, a clause, one more condition. */
const BEFORE_FRAGMENTS = ['SELECT ', 'SELECT 1 ', 'SELECT 1 WHERE true '];

/**
 * Parses a statement, or a fragment that is handed on in a way that can't be followed. Its own relations are found
 * either way.
 */
export function parseStatementOrFragment(text: SqlText): ParsedSql | { readonly problem: string } {
  const statement = parseSqlText(text);
  if (!('problem' in statement)) return statement;
  for (const before of BEFORE_FRAGMENTS) {
    const parsed = parseSqlText([before, ...text]);
    if (!('problem' in parsed)) return parsed;
  }
  return statement;
}

/** The text with each hole filled; `choice` has one digit of base four for each helper. */
function fill(text: SqlText, choice: number): string {
  let parameters = 0;
  let rest = choice;
  return text
    .map((part) => {
      if (typeof part === 'string') return part;
      if (part.kind !== 'helper') return `$${++parameters}`;
      const form = HELPER_FORMS[rest % HELPER_FORMS.length] ?? UNKNOWN_NAME;
      rest = Math.floor(rest / HELPER_FORMS.length);
      return form === UNKNOWN_NAME && part.name !== null ? quoted(part.name) : form;
    })
    .join('');
}

function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** Adds what `value` names, but for the names that `WITH` gave to queries around it. */
function collect(
  value: unknown,
  queries: ReadonlySet<string>,
  access: Relation['access'],
  found: { relations: Relation[]; functions: string[] },
): void {
  if (Array.isArray(value)) for (const part of value) collect(part, queries, access, found);
  if (!isNode(value) || Array.isArray(value)) return;
  const { relname, schemaname, funcname } = value;
  if (typeof relname === 'string') {
    const schema = typeof schemaname === 'string' ? schemaname : null;
    if (schema !== null || access === 'write' || !queries.has(relname))
      found.relations.push({ name: relname, schema, access });
    return;
  }
  if (Array.isArray(funcname)) found.functions.push(lastName(funcname));
  const inside = isNode(value.withClause) ? collectQueries(value.withClause, queries, found) : queries;
  for (const [key, part] of Object.entries(value)) {
    // `FOR UPDATE OF` names an alias. What a statement writes to stands in its `relation`.
    if (key === 'withClause' || key === 'lockingClause') continue;
    collect(part, inside, key === 'relation' ? 'write' : 'read', found);
  }
}

/** Adds what the queries of a `WITH` name; gives the names that the statement knows after it. */
function collectQueries(
  clause: Node,
  outer: ReadonlySet<string>,
  found: { relations: Relation[]; functions: string[] },
): ReadonlySet<string> {
  const queries = (Array.isArray(clause.ctes) ? clause.ctes : []).map(
    (cte: Node) => cte.CommonTableExpr as Node,
  );
  const names = queries.map(({ ctename }) => String(ctename));
  const known = new Set(outer);
  if (clause.recursive === true) for (const name of names) known.add(name);
  for (const query of queries) {
    collect(query.ctequery, known, 'read', found);
    known.add(String(query.ctename));
  }
  return known;
}

function lastName(path: readonly unknown[]): string {
  const last = path.at(-1);
  const text = isNode(last) && isNode(last.String) ? last.String.sval : '';
  return String(text);
}
