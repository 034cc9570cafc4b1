import { describe, expect, it } from 'vitest';
import { parseSqlText } from './engine/sql-relations.ts';
import { findSqlViolations, tablesOfReadme } from './engine/sql-rules.ts';
import { SqlReader } from './engine/sql-text.ts';
import { createTree, sourcesOf } from './engine/tree.ts';

/** `@{` stands for the beginning of a substitution, so that it isn't one of this file. */
const withSubstitutions = (code: string) => code.replaceAll('@{', `$${'{'}`);

/** The relations of each statement in a file, written as the access and the name. */
function relationsIn(
  code: string,
  others: Readonly<Record<string, string>> = {},
): readonly (readonly string[])[] {
  const path = 'server/domains/weather/store.postgres.ts';
  const tree = createTree(new Map([[path, withSubstitutions(code)], ...Object.entries(others)]));
  const places = new SqlReader(tree).readPlaces(sourcesOf(tree, (file) => file === path));
  return places.map(({ texts }) =>
    (texts ?? []).flatMap((text) => {
      const parsed = parseSqlText(text);
      if ('problem' in parsed) return [parsed.problem];
      return parsed.relations.map(
        ({ access, schema, name }) => `${access} ${schema ? `${schema}.` : ''}${name}`,
      );
    }),
  );
}

describe('the relations of a statement', () => {
  it.each([
    ['a query', 'sql`SELECT * FROM a JOIN b USING (id)`', ['read a', 'read b']],
    ['a query over several lines', 'sql`\n  select 1\n  from\n    a\n`', ['read a']],
    ['a subquery in a condition', 'sql`SELECT 1 WHERE EXISTS (SELECT 1 FROM a)`', ['read a']],
    ['an insert of a query', 'sql`INSERT INTO a SELECT * FROM b`', ['write a', 'read b']],
    ['an update from another table', 'sql`UPDATE a SET x = b.x FROM b`', ['write a', 'read b']],
    ['a delete that uses another table', 'sql`DELETE FROM a USING b`', ['write a', 'read b']],
    ['a merge', 'sql`MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE`', ['write a', 'read b']],
    ['a quoted name with a schema', 'sql`SELECT 1 FROM "s" . "A"`', ['read s.A']],
    ['a comment and a text that look like SQL', "sql`SELECT 'FROM b' /* FROM c */ FROM a`", ['read a']],
    ['a function that gives rows', 'sql`SELECT * FROM unnest(@{ids}::uuid[]) AS row(id)`', []],
    ['a lock on an alias', 'sql`SELECT 1 FROM a AS row FOR UPDATE OF row`', ['read a']],
  ])('of %s', (_, code, expected) => {
    expect(relationsIn(code)).toEqual([expected]);
  });

  it('leave out the names that WITH gives, and only where they count', () => {
    expect(relationsIn('sql`WITH q AS (SELECT * FROM a) SELECT * FROM q`')).toEqual([['read a']]);
    expect(relationsIn('sql`WITH a AS (SELECT * FROM a) SELECT * FROM a`')).toEqual([['read a']]);
    expect(relationsIn('sql`WITH RECURSIVE q AS (SELECT 1 UNION SELECT * FROM q) SELECT * FROM q`')).toEqual([
      [],
    ]);
    expect(relationsIn('sql`WITH a AS (SELECT 1) DELETE FROM a`')).toEqual([['write a']]);
    expect(relationsIn('sql`SELECT (WITH a AS (SELECT 1) SELECT x FROM a) FROM a`')).toEqual([['read a']]);
  });
});

describe('helpers of the client', () => {
  it.each([
    ['rows to insert', 'sql`INSERT INTO a @{sql(rows)}`', ['write a']],
    [
      'rows to insert, with an answer',
      'sql`INSERT INTO a @{sql(rows)} ON CONFLICT DO NOTHING RETURNING id`',
      ['write a'],
    ],
    ['columns to set', 'sql`UPDATE a SET @{sql(row, "x", "y")} WHERE id = @{id}`', ['write a']],
    ['a list', 'sql`SELECT 1 FROM a WHERE id IN @{sql(ids)}`', ['read a']],
    ['a name that is a constant', 'sql`SELECT 1 FROM @{sql("s.a")}`', ['read s.a']],
    ['a name that is not', 'sql`SELECT 1 FROM @{sql(name)}`', ['read name_known_at_run_time']],
    ['two at once', 'sql`INSERT INTO @{sql("a")} @{sql(rows)}`', ['write a']],
  ])('are understood: %s', (_, code, expected) => {
    expect(relationsIn(code)).toEqual([expected]);
  });
});

describe('fragments', () => {
  it('count where they are used', () => {
    expect(relationsIn('const f = sql`FROM a`;\nsql`SELECT 1 @{f}`;')).toEqual([['read a']]);
    expect(relationsIn('const f = (sql) => sql`FROM a`;\nsql`SELECT 1 @{f(sql)}`;')).toEqual([['read a']]);
    expect(relationsIn('function f(sql) { return sql`FROM a`; }\nsql`SELECT 1 @{f(sql)}`;')).toEqual([
      ['read a'],
    ]);
    expect(relationsIn('const T = "a";\nsql`SELECT 1 FROM @{sql.unsafe(T)}`;')).toEqual([['read a']]);
  });

  it('are tried each, where a condition chooses', () => {
    expect(relationsIn('sql`SELECT 1 FROM @{x ? sql`a` : y ? sql`b` : sql`c`}`')).toEqual([
      ['read a', 'read b', 'read c'],
    ]);
    expect(relationsIn('sql`SELECT 1 FROM a @{x ? sql`WHERE id = @{x}` : sql``}`')).toEqual([
      ['read a', 'read a'],
    ]);
  });

  it('are followed into other files', () => {
    const others = { 'server/domains/weather/rows.ts': 'export const SOURCE = `FROM ` + `a`;' };
    const code = "import { SOURCE as s } from './rows.ts';\nsql`SELECT 1 @{sql.unsafe(s)}`;";
    expect(relationsIn(code, others)).toEqual([['read a']]);
  });

  it('that nobody uses are judged alone', () => {
    expect(relationsIn('const f = sql`FROM a`;')).toEqual([[expect.stringContaining('syntax error')]]);
  });
});

describe('a store', () => {
  const violationsOf = (code: string) => {
    const tree = createTree(new Map([['server/domains/quality/store.postgres.ts', withSubstitutions(code)]]));
    return findSqlViolations(tree).filter(({ rule }) => rule !== 'unused-exception');
  };

  it('may hand on a fragment whose way is not followed, as long as its tables are its own', () => {
    expect(violationsOf('const when = { mine: (id) => sql`AND tenant_id = @{id}` };')).toEqual([]);
    expect(
      violationsOf('const when = { mine: (id) => sql`AND id IN (SELECT id FROM accounts)` };'),
    ).toMatchObject([
      { rule: 'tables-of-others', detail: 'reads accounts, which belongs to server/domains/accounts' },
    ]);
  });

  it('has one statement in a text', () => {
    expect(violationsOf('sql.unsafe("SELECT 1; SELECT 2")')).toMatchObject([
      { rule: 'store-statements', detail: '2 statements in one text' },
    ]);
  });

  it('cannot read SQL from a file', () => {
    expect(violationsOf('sql.file("query.sql")')).toMatchObject([{ rule: 'sql-parses' }]);
  });
});

describe('English', () => {
  it('is not taken for SQL', () => {
    const texts = [
      'select a model from the list',
      'update the price, then set it',
      'delete from the end',
      'with care',
    ];
    const code = `export const texts = ${JSON.stringify(texts)};`;
    const tree = createTree(new Map([['server/domains/quality/texts.ts', code]]));
    expect(findSqlViolations(tree).filter(({ rule }) => rule !== 'unused-exception')).toEqual([]);
  });
});

describe('the tables of a README', () => {
  it.each([
    ['Tables: `a`, `b_c`.', ['a', 'b_c']],
    ['# Name\n\nTables: `a` (one\nrow each), `b`. The role `c` reads them.', ['a', 'b']],
    ['# Name\n\nNo tables.', null],
  ])('in %j', (text, expected) => {
    expect(tablesOfReadme(text)).toEqual(expected);
  });
});
