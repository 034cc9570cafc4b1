import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ADAPTER_TABLES, DATABASE_ADAPTER, MIGRATIONS_TABLE, TABLES } from '../rules/tables.ts';
import { type Node, parseSql } from './sql-relations.ts';
import type { Violation } from './tree.ts';

const FOLDER = `${DATABASE_ADAPTER}/migrations`;

/** What the steps of one migration do to tables. */
export interface SchemaChange {
  readonly path: string;
  readonly created: readonly string[];
  /** Tables that its way forward drops. */
  readonly dropped: readonly string[];
  /** Tables that its way back drops. */
  readonly takenBack: readonly string[];
  /** Tables whose rows are protected: by security that is enabled, forced on the owner, and has a policy. */
  readonly secured: readonly string[];
  readonly problems: readonly string[];
}

/** Runs the files of `root`'s migrations, which only make texts, and reads these with PostgreSQL's parser. */
export async function readMigrations(root: string): Promise<readonly SchemaChange[]> {
  const names = readdirSync(join(root, FOLDER)).filter((name) => /^\d.*\.ts$/.test(name));
  const changes = names.sort().map(async (name) => {
    const content = (await import(/* @vite-ignore */ pathToFileURL(join(root, FOLDER, name)).href)) as Node;
    return Object.values(content).flatMap((value) => {
      const { up, down } = Object(value) as Node;
      return typeof up === 'string' && typeof down === 'string'
        ? [changeOf(`${FOLDER}/${name}`, up, down)]
        : [];
    });
  });
  return (await Promise.all(changes)).flat();
}

function changeOf(path: string, up: string, down: string): SchemaChange {
  const [forward, back] = [parseSql(up), parseSql(down)];
  const problems = [forward, back].flatMap((parsed) => ('problem' in parsed ? [parsed.problem] : []));
  const forwards = 'problem' in forward ? [] : forward.tree;
  const backwards = 'problem' in back ? [] : back.tree;
  return {
    path,
    created: forwards.flatMap(createdBy),
    dropped: forwards.flatMap(droppedBy),
    takenBack: backwards.flatMap(droppedBy),
    secured: securedBy(forwards),
    problems,
  };
}

const child = (node: unknown, key: string): Node => Object(Object(node)[key]) as Node;
const list = (node: Node, key: string): readonly unknown[] => (Array.isArray(node[key]) ? node[key] : []);

function createdBy(statement: Node): readonly string[] {
  const table = child(child(statement, 'CreateStmt'), 'relation').relname;
  const made = child(child(child(statement, 'CreateTableAsStmt'), 'into'), 'rel').relname;
  const view = child(child(statement, 'ViewStmt'), 'view').relname;
  return [table, made, view].filter((name) => typeof name === 'string');
}

function droppedBy(statement: Node): readonly string[] {
  const drop = child(statement, 'DropStmt');
  if (drop.removeType !== 'OBJECT_TABLE' && drop.removeType !== 'OBJECT_VIEW') return [];
  return list(drop, 'objects').map((object) =>
    String(child(list(child(object, 'List'), 'items').at(-1), 'String').sval),
  );
}

function securedBy(statements: readonly Node[]): readonly string[] {
  const withCommand = (command: string) =>
    statements.flatMap((statement) => {
      const alter = child(statement, 'AlterTableStmt');
      const has = list(alter, 'cmds').some((one) => child(one, 'AlterTableCmd').subtype === command);
      return has ? [String(child(alter, 'relation').relname)] : [];
    });
  const forced = withCommand('AT_ForceRowSecurity');
  const policies = statements.map(
    (statement) => child(child(statement, 'CreatePolicyStmt'), 'table').relname,
  );
  const tables = withCommand('AT_EnableRowSecurity').filter(
    (name) => forced.includes(name) && policies.includes(name),
  );
  return [...tables, ...statements.flatMap(viewOfWhoAsks)];
}

/** The name of a view whose tables are asked with the rights of who asks the view. */
function viewOfWhoAsks(statement: Node): readonly string[] {
  const view = child(statement, 'ViewStmt');
  const isOfWhoAsks = list(view, 'options').some((option) => {
    const { defname, arg } = child(option, 'DefElem');
    return defname === 'security_invoker' && child(arg, 'String').sval === 'true';
  });
  return isOfWhoAsks ? [String(child(view, 'view').relname)] : [];
}

/** Migrations that can't be read, make other tables than the list has, leave rows open, or don't take back what they make. */
export async function findSchemaViolations(root: string): Promise<readonly Violation[]> {
  const changes = await readMigrations(root);
  const owned = [...Object.values(TABLES).flat(), ...ADAPTER_TABLES].filter(
    (name) => name !== MIGRATIONS_TABLE,
  );
  const dropped = changes.flatMap((change) => change.dropped);
  const secured = changes.flatMap((change) => change.secured);
  const made = changes.flatMap((change) => change.created).filter((name) => !dropped.includes(name));
  const refuse = (path: string, detail: string) => ({ rule: 'tables-have-owners', path, line: 0, detail });
  const found = changes.flatMap(({ path, created, takenBack, problems }) => {
    const kept = created.filter((name) => !dropped.includes(name));
    return [
      ...problems.map((problem) => ({ rule: 'sql-parses', path, line: 0, detail: problem })),
      ...kept
        .filter((name) => !owned.includes(name))
        .map((name) => refuse(path, `makes ${name}, which nobody owns`)),
      ...kept
        .filter((name) => !secured.includes(name))
        .map((name) => ({
          rule: 'rows-are-secured',
          path,
          line: 0,
          detail: `${name} lacks security or a policy`,
        })),
      ...created
        .filter((name) => !takenBack.includes(name))
        .map((name) => ({ rule: 'migrations-go-back', path, line: 0, detail: `the way back keeps ${name}` })),
    ];
  });
  const missing = owned.filter((name) => !made.includes(name));
  return [...found, ...missing.map((name) => refuse(FOLDER, `no migration makes ${name}`))];
}
