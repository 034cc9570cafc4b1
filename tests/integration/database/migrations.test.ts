import { afterEach, expect, test } from 'vitest';
import { connect } from '../../../server/platform/database/connect.ts';
import { type Migration, type OpenDatabase, openDatabase } from '../../../server/platform/database/index.ts';
import { createMigrator } from '../../../server/platform/database/migrate.ts';
import { migrations } from '../../../server/platform/database/migrations/index.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';
import { TEST_DATABASE_SECRET } from '../../support/test-cluster.ts';

const deps = { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function createEmpty(): Promise<TestDatabase> {
  const scratch = await createTestDatabase({ migrated: false });
  closers.push(scratch.close);
  return scratch;
}

async function openServer(
  scratch: TestDatabase,
  steps: readonly Migration[] = migrations,
): Promise<OpenDatabase> {
  const open = await openDatabase(
    { source: { kind: 'server', url: scratch.url, secret: TEST_DATABASE_SECRET }, migrations: steps },
    deps,
  );
  closers.push(() => open.close(1_000));
  return open;
}

/** Everything a migration can leave in the schema, as text. */
async function describeSchema(scratch: TestDatabase): Promise<string[]> {
  const sql = connect(scratch.url, { connectionsMax: 1 });
  try {
    const rows = await sql<{ line: string }[]>`
      SELECT format('column %s.%s %s %s %s', c.relname, attname, format_type(atttypid, atttypmod), attnotnull, attacl) AS line
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = 'yggdrasil'::regnamespace AND attnum > 0 AND NOT attisdropped
      UNION ALL SELECT format('relation %s %s %s %s %s', relname, relkind, relrowsecurity, relforcerowsecurity, relacl)
        FROM pg_class WHERE relnamespace = 'yggdrasil'::regnamespace
      UNION ALL SELECT format('constraint %s %s', conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'yggdrasil'::regnamespace
      UNION ALL SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'yggdrasil'
      UNION ALL SELECT format('policy %s %s %s %s %s', tablename, policyname, roles, qual, with_check)
        FROM pg_policies WHERE schemaname = 'yggdrasil'
      UNION ALL SELECT format('function %s %s %s', proname, pg_get_functiondef(oid), proacl)
        FROM pg_proc WHERE pronamespace = 'yggdrasil'::regnamespace
      UNION ALL SELECT format('trigger %s', pg_get_triggerdef(t.oid)) FROM pg_trigger t
        JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'yggdrasil'::regnamespace AND NOT tgisinternal
      UNION ALL SELECT format('type %s', typname) FROM pg_type WHERE typnamespace = 'yggdrasil'::regnamespace
      UNION ALL SELECT format('schema %s', nspacl) FROM pg_namespace WHERE nspname = 'yggdrasil'
      UNION ALL SELECT format('applied %s', name) FROM schema_migrations
      ORDER BY 1`;
    return rows.map(({ line }) => line);
  } finally {
    await sql.end();
  }
}

test('all steps up, all down, all up again leave the same schema', async () => {
  const scratch = await createEmpty();
  const open = await openServer(scratch);
  const names = migrations.map(({ name }) => name);
  expect(await open.migrate()).toEqual(names);
  const before = await describeSchema(scratch);
  expect(await open.rollback(names.length)).toEqual([...names].reverse());
  expect((await describeSchema(scratch)).filter((line) => !/schema_migrations|^schema/.test(line))).toEqual(
    [],
  );
  expect(await open.migrate()).toEqual(names);
  expect(await describeSchema(scratch)).toEqual(before);
});

test('each step down leaves the schema that was there before it', async () => {
  const scratch = await createEmpty();
  const migratorOf = (count: number) =>
    createMigrator(scratch.url, migrations.slice(0, count), { logger: silentLogger });
  const schemas: string[][] = [];
  for (let count = 1; count <= migrations.length; count++) {
    await migratorOf(count).up();
    schemas.push(await describeSchema(scratch));
  }
  for (let count = migrations.length; count > 1; count--) {
    await migratorOf(count).down(1);
    expect(await describeSchema(scratch)).toEqual(schemas[count - 2]);
  }
});

test('a second run does nothing', async () => {
  const open = await openServer(await createEmpty());
  await open.migrate();
  expect(await open.migrate()).toEqual([]);
  await open.ping();
});

test('two servers that migrate at once both end with the whole schema, each step run once', async () => {
  const scratch = await createEmpty();
  const servers = await Promise.all([openServer(scratch), openServer(scratch)]);
  await Promise.all(servers.map((server) => server.migrate()));
  const applied = (await describeSchema(scratch)).filter((line) => line.startsWith('applied '));
  expect(applied).toHaveLength(migrations.length);
  await Promise.all(servers.map((server) => server.ping()));
});

test('several databases of one cluster migrate at once', async () => {
  const servers = await Promise.all(Array.from({ length: 4 }, async () => openServer(await createEmpty())));
  await Promise.all(servers.map((server) => server.migrate()));
  await Promise.all(servers.map((server) => server.ping()));
});

test('a step that fails leaves nothing of itself and keeps the steps before it', async () => {
  const scratch = await createEmpty();
  const broken: Migration = {
    name: '9999-broken',
    up: 'CREATE TABLE half (x int); SELECT 1 / 0',
    down: '',
  };
  const open = await openServer(scratch, [...migrations, broken]);
  await expect(open.migrate()).rejects.toThrow(/9999-broken/);
  const lines = await describeSchema(scratch);
  expect(lines.filter((line) => line.includes('half'))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('applied '))).toHaveLength(migrations.length);
});

test('a database with steps that this server does not know is refused', async () => {
  const scratch = await createEmpty();
  const next: Migration = { name: '9999-next', up: 'CREATE TABLE later (x int)', down: 'DROP TABLE later' };
  await (await openServer(scratch, [...migrations, next])).migrate();
  const older = await openServer(scratch);
  await expect(older.migrate()).rejects.toThrow(/9999-next.*newer version/);
});
