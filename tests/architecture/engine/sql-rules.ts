import { posix } from 'node:path';
import ts from 'typescript';
import {
  ADAPTER_TABLES,
  COMPUTED_SQL,
  DATABASE_ADAPTER,
  FUNCTIONS_REFUSED,
  STORE_STATEMENTS,
  TABLES,
} from '../rules/tables.ts';
import { type ParsedSql, parseSqlText, parseStatementOrFragment, type Relation } from './sql-relations.ts';
import {
  isSqlTemplate,
  isUnsafeCall,
  readConstant,
  type SqlPlace,
  SqlReader,
  type SqlText,
} from './sql-text.ts';
import { isProduct, type SourceTree, sourcesOf, type Violation, violationAt, walk } from './tree.ts';

const MIGRATIONS = `${DATABASE_ADAPTER}/migrations/`;
/** Statements that are SQL beyond doubt wherever their text stands. English may begin with `select`, too. */
const DATA_STATEMENTS = [
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'TruncateStmt',
  'CopyStmt',
];

/** The folder whose tables this file may use; null for a file that may use none. */
function ownerOf(path: string): string | null {
  if (!path.endsWith('.postgres.ts')) return null;
  const folder = posix.dirname(path);
  return folder in TABLES ? folder : null;
}

const isAdapter = (path: string) => path.startsWith(`${DATABASE_ADAPTER}/`) && !path.startsWith(MIGRATIONS);

/** What is wrong with the product's SQL: where it stands, what it names, and what no parser can read. */
export function findSqlViolations(tree: SourceTree): readonly Violation[] {
  const reader = new SqlReader(tree);
  const places = reader.readPlaces(sourcesOf(tree, (path) => ownerOf(path) !== null || isAdapter(path)));
  const computed = new Set<string>();
  return [
    ...places.flatMap((place) => judgePlace(place, computed)),
    ...COMPUTED_SQL.filter(({ path }) => !computed.has(path)).map(({ path }) => unusedException(path)),
    ...sourcesOf(
      tree,
      (path) => isProduct(path) && ownerOf(path) === null && !path.startsWith(`${DATABASE_ADAPTER}/`),
    ).flatMap((source) => findHiddenSql(tree, source)),
  ];
}

function unusedException(path: string): Violation {
  return { rule: 'unused-exception', path, line: 0, detail: 'has no computed SQL: remove the line' };
}

function judgePlace({ node, texts }: SqlPlace, computed: Set<string>): readonly Violation[] {
  const { fileName: path } = node.getSourceFile();
  if (texts === null || texts.some(isComputed)) {
    computed.add(path);
    if (COMPUTED_SQL.some((line) => line.path === path)) return [];
    return [violationAt('sql-parses', node, 'the text of a statement is a constant')];
  }
  const found = texts.flatMap((text) => {
    const parsed = parseStatementOrFragment(text);
    if ('problem' in parsed) return [violationAt('sql-parses', node, parsed.problem)];
    const owner = ownerOf(path);
    return [
      ...judgeRelations(node, parsed.relations),
      ...(owner === null ? [] : judgeStatement(node, parsed)),
    ];
  });
  return [...new Map(found.map((violation) => [violation.detail, violation])).values()];
}

/** True where a part of the text itself, not a parameter, is known at run time only. */
function isComputed(text: SqlText): boolean {
  return text.some((part) => typeof part !== 'string' && part.kind === 'computed');
}

function judgeRelations(node: ts.Node, relations: readonly Relation[]): readonly Violation[] {
  const { fileName: path } = node.getSourceFile();
  const owner = ownerOf(path);
  const own = owner === null ? ADAPTER_TABLES : (TABLES[owner] ?? []);
  return relations.flatMap(({ name, schema, access }) => {
    const isCatalogue = schema === 'pg_catalog' || (schema === null && name.startsWith('pg_'));
    if (owner === null && isCatalogue && access === 'read') return [];
    if (own.includes(name) && (schema === null || schema === 'yggdrasil')) return [];
    const full = schema === null ? name : `${schema}.${name}`;
    const [holder] = Object.entries(TABLES).find(([, tables]) => tables.includes(name)) ?? ['nobody'];
    return [violationAt('tables-of-others', node, `${access}s ${full}, which belongs to ${holder}`)];
  });
}

function judgeStatement(node: ts.Node, { statements, functions, tree }: ParsedSql): readonly Violation[] {
  const found: Violation[] = [];
  const refuse = (detail: string) => found.push(violationAt('store-statements', node, detail));
  if (statements.length !== 1) refuse(`${statements.length} statements in one text`);
  for (const kind of statements) if (!STORE_STATEMENTS.includes(kind)) refuse(`${kind} is not for stores`);
  for (const name of functions) {
    if (Object.hasOwn(FUNCTIONS_REFUSED, name)) refuse(`${name}: ${FUNCTIONS_REFUSED[name]}`);
  }
  if (JSON.stringify(tree).includes('"intoClause"')) refuse('SELECT INTO makes a table');
  return found;
}

/** SQL in a file that isn't a store: templates, ways to run a text, and texts that parse as a statement. */
function findHiddenSql(tree: SourceTree, source: ts.SourceFile): readonly Violation[] {
  const found: Violation[] = [];
  const refuse = (node: ts.Node, detail: string) =>
    found.push(violationAt('sql-in-stores-only', node, detail));
  walk(source, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return false;
    if (source.fileName.startsWith('server/')) {
      if (isSqlTemplate(node)) refuse(node, `${node.tag.getText()}\`...\` is for stores`);
      if (isUnsafeCall(node)) refuse(node, `${node.expression.getText()} is for stores`);
    }
    if (!ts.isExpression(node)) return true;
    const statement = (readConstant(tree, node) ?? []).map(statementIn).find((kind) => kind !== null);
    if (!statement) return true;
    refuse(node, `a text that is a ${statement}`);
    return false;
  });
  return found;
}

/** The kind of statement that a constant text is, when it names a table of ours, the catalogue or the schema. */
function statementIn(text: SqlText): string | null {
  if (!text.some((part) => typeof part === 'string' && /\s/.test(part))) return null;
  const names = text.map(
    (part) => (typeof part === 'string' ? part : { kind: 'helper', name: null }) as SqlText[number],
  );
  for (const way of [text, names]) {
    const parsed = parseSqlText(way);
    if ('problem' in parsed) continue;
    const [kind] = parsed.statements;
    if (kind === undefined) return null;
    const isOurs = parsed.relations.some(isKnown);
    const isSchema = /^(Create|Alter|Drop|Grant|Truncate|Do)/.test(kind);
    const calls = kind === 'SelectStmt' && parsed.functions.length > 0;
    return (DATA_STATEMENTS.includes(kind) && isOurs) || isSchema || calls ? kind : null;
  }
  return null;
}

function isKnown({ name, schema }: Relation): boolean {
  if (schema !== null || name.startsWith('pg_') || ADAPTER_TABLES.includes(name)) return true;
  return Object.values(TABLES).some((tables) => tables.includes(name));
}

/** The tables that a folder's README names after `Tables:`, up to the end of the sentence; null without such a line. */
export function tablesOfReadme(text: string): readonly string[] | null {
  const sentence = /(?:^|\n)\**Tables[^:\n]*:\**([\s\S]*?)(?:\.\s|\n\n|$)/.exec(text)?.[1];
  return sentence === undefined ? null : [...sentence.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');
}

/** READMEs that name other tables than the list. */
export function findReadmeViolations(tree: SourceTree): readonly Violation[] {
  return [...tree.files.keys()]
    .filter((path) => path.endsWith('/README.md'))
    .flatMap((path) => {
      const named = [...(tablesOfReadme(tree.files.get(path) ?? '') ?? [])].sort().join(', ');
      const owned = [...(TABLES[posix.dirname(path)] ?? [])].sort().join(', ');
      if (named === owned) return [];
      return [
        { rule: 'readme-tables', path, line: 0, detail: `names ${named || 'none'}, owns ${owned || 'none'}` },
      ];
    });
}
