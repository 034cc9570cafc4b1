import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sql } from '../../../server/kernel/database.ts';
import { InvariantError } from '../../../server/kernel/errors.ts';
import { type AccountId, asId, type DeviceId, type TenantId } from '../../../server/kernel/ids.ts';
import { type Migration, type OpenDatabase, openDatabase } from '../../../server/platform/database/index.ts';
import { tenancy } from '../../../server/platform/database/migrations/0001-tenancy.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { serverFor, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { TEST_DATABASE_SECRET } from '../../support/test-cluster.ts';

const things: Migration = {
  name: '0002-things',
  up: `
    CREATE TABLE things (tenant_id uuid NOT NULL, name text NOT NULL, size bigint NOT NULL DEFAULT 0);
    ALTER TABLE things ENABLE ROW LEVEL SECURITY;
    ALTER TABLE things FORCE ROW LEVEL SECURITY;
    CREATE POLICY own_tenant ON things TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY server ON things TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON things TO yggdrasil_tenant;
    GRANT SELECT ON things TO yggdrasil_identity;
  `,
  down: 'DROP TABLE things',
};

const A = asId<TenantId>(uuid(0xa));
const B = asId<TenantId>(uuid(0xb));

let scratch: TestDatabase;
let open: OpenDatabase;

beforeAll(async () => {
  scratch = await createTestDatabase({ migrated: false });
  open = await openDatabase(
    {
      source: { kind: 'server', url: scratch.url, secret: TEST_DATABASE_SECRET },
      migrations: [tenancy, things],
    },
    { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger },
  );
  await open.migrate();
  for (const tenantId of [A, B]) {
    await open.database.tenant(
      serverFor(tenantId),
      (sql) => sql`INSERT INTO things (tenant_id, name) VALUES (${tenantId}, ${`of ${tenantId}`})`,
    );
  }
});

afterAll(async () => {
  await open?.close(1_000);
  await scratch?.close();
});

const sqlState = (code: string) => expect.objectContaining({ code });

describe('a tenant', () => {
  test('sees its own rows only', async () => {
    const rows = await open.database.tenant(serverFor(A), (sql) => sql`SELECT name FROM things`);
    expect(rows.map((row) => row.name)).toEqual([`of ${A}`]);
  });

  test('sees no row of another even when it asks for it', async () => {
    expect(
      await open.database.tenant(serverFor(A), (sql) => sql`SELECT FROM things WHERE tenant_id = ${B}`),
    ).toHaveLength(0);
  });

  test('can not insert a row of another', async () => {
    await expect(
      open.database.tenant(
        serverFor(A),
        (sql) => sql`INSERT INTO things (tenant_id, name) VALUES (${B}, 'planted')`,
      ),
    ).rejects.toEqual(sqlState('42501'));
  });

  test('can not give a row of its own to another', async () => {
    await expect(
      open.database.tenant(serverFor(A), (sql) => sql`UPDATE things SET tenant_id = ${B}`),
    ).rejects.toEqual(sqlState('42501'));
  });

  test("changes and deletes none of another's rows", async () => {
    const count = await open.database.tenant(serverFor(A), async (sql) => {
      const updated = await sql`UPDATE things SET name = 'taken' WHERE tenant_id = ${B}`;
      const deleted = await sql`DELETE FROM things WHERE tenant_id = ${B}`;
      return updated.count + deleted.count;
    });
    expect(count).toBe(0);
    const rows = await open.database.tenant(serverFor(B), (sql) => sql`SELECT name FROM things`);
    expect(rows.map((row) => row.name)).toEqual([`of ${B}`]);
  });

  test('that is set in one transaction is not set in the next on the same connection', async () => {
    for (let round = 0; round < 20; round++)
      await open.database.tenant(serverFor(A), (sql) => sql`SELECT FROM things`);
    const rows = await open.database.system(
      'identity',
      (sql) => sql`SELECT nullif(current_setting('app.scope', true), '') AS tenant`,
    );
    expect(rows[0]?.tenant).toBeNull();
  });

  test('that reads at once sees its own rows only, and leaves nothing on the connection', async () => {
    for (let round = 0; round < 20; round++) {
      const tenant = round % 2 === 0 ? A : B;
      const rows = await open.database.read(serverFor(tenant), (sql) => sql`SELECT name FROM things`);
      expect(rows.map((row) => row.name)).toEqual([`of ${tenant}`]);
    }
    const rows = await open.database.read(
      serverFor(A),
      (sql) => sql`SELECT FROM things WHERE tenant_id = ${B}`,
    );
    expect(rows).toHaveLength(0);
  });

  test('that reads at once changes nothing, and begins no second statement', async () => {
    await expect(open.database.read(serverFor(A), (sql) => sql`DELETE FROM things`)).rejects.toEqual(
      sqlState('25006'),
    );
    const twice = open.database.read(serverFor(A), async (sql) => {
      await sql`SELECT FROM things`;
      return sql`SELECT FROM things`;
    });
    await expect(twice).rejects.toThrow(InvariantError);
    await expect(open.database.read(serverFor(A), () => Promise.reject(new Error('thrown')))).rejects.toThrow(
      'thrown',
    );
    expect(await open.database.tenant(serverFor(A), (sql) => sql`SELECT FROM things`)).toHaveLength(1);
  });

  test('of twenty at once each sees itself', async () => {
    const tenants = Array.from({ length: 20 }, (_, index) => asId<TenantId>(uuid(1_000 + index)));
    const seen = await Promise.all(
      tenants.map((tenantId) =>
        open.database.tenant(serverFor(tenantId), async (sql) => {
          await sql`SELECT pg_sleep(0.001)`;
          return (await sql`SELECT current_tenant_id() AS tenant`)[0]?.tenant;
        }),
      ),
    );
    expect(seen).toEqual(tenants);
  });
});

describe("the pools' roles", () => {
  const roles = {
    yggdrasil_tenant: <T>(work: (sql: Sql) => Promise<T>) => open.database.tenant(serverFor(A), work),
    yggdrasil_identity: <T>(work: (sql: Sql) => Promise<T>) => open.database.system('identity', work),
  } as const;

  describe.each(Object.keys(roles) as (keyof typeof roles)[])('%s', (role) => {
    const as = roles[role];

    test('is who the session runs as, and does not own the tables', async () => {
      const [row] = await as(
        (sql) => sql`
          SELECT current_user AS me, tableowner AS owner, rolsuper OR rolbypassrls OR rolcreaterole AS mighty
          FROM pg_tables, pg_roles WHERE tablename = 'things' AND rolname = current_user`,
      );
      expect(row).toMatchObject({ me: role, mighty: false });
      expect(row?.owner).not.toBe(role);
    });

    test.each([
      ['disable row-level security', 'ALTER TABLE things DISABLE ROW LEVEL SECURITY'],
      ['stop forcing it', 'ALTER TABLE things NO FORCE ROW LEVEL SECURITY'],
      ['add a policy', 'CREATE POLICY mine ON things USING (true)'],
      ['drop a policy', 'DROP POLICY own_tenant ON things'],
      ['empty the table', 'TRUNCATE things'],
      ['drop the table', 'DROP TABLE things'],
      ['create a table', 'CREATE TABLE mine (x int)'],
      ['create a table in public', 'CREATE TABLE public.mine (x int)'],
      ['create a temporary table', 'CREATE TEMPORARY TABLE mine (x int)'],
      ['create a schema', 'CREATE SCHEMA mine'],
      ['replace the function that policies ask', 'DROP FUNCTION current_tenant_id()'],
      ['create a role', 'CREATE ROLE mine'],
      ['read the list of migrations', 'SELECT * FROM schema_migrations'],
      ['read passwords', 'SELECT * FROM pg_authid'],
      ['read a file of the server', "SELECT pg_read_file('/etc/passwd')"],
    ])('can not %s', async (_, statement) => {
      await expect(as((sql) => sql.unsafe(statement))).rejects.toEqual(sqlState('42501'));
    });

    test('sees no row after turning row_security off: the statement is refused', async () => {
      if (role === 'yggdrasil_identity') return;
      await expect(
        as(async (sql) => {
          await sql`SET LOCAL row_security = off`;
          return sql`SELECT FROM things`;
        }),
      ).rejects.toEqual(sqlState('42501'));
    });
  });

  test('yggdrasil_tenant reads and writes nothing without a tenant', async () => {
    const unset = (sql: Sql) => sql`SELECT set_config('app.scope', '', true)`;
    const rows = await open.database.tenant(serverFor(A), async (sql) => {
      await unset(sql);
      return sql`SELECT FROM things`;
    });
    expect(rows).toHaveLength(0);
    await expect(
      open.database.tenant(serverFor(A), async (sql) => {
        await unset(sql);
        await sql`INSERT INTO things (tenant_id, name) VALUES (${A}, 'x')`;
      }),
    ).rejects.toEqual(sqlState('42501'));
  });

  test('yggdrasil_identity has the verbs it was granted and no other', async () => {
    expect(await open.database.system('identity', (sql) => sql`SELECT FROM things`)).toHaveLength(2);
    await expect(open.database.system('identity', (sql) => sql`DELETE FROM things`)).rejects.toEqual(
      sqlState('42501'),
    );
  });
});

describe('a statement that was smuggled into a transaction of one tenant', () => {
  const smuggled = (statements: string) =>
    open.database.tenant(serverFor(A), (sql) => sql.unsafe(statements));

  test.each([
    ['another tenant as it is', `'${B}||'`],
    ['another tenant with a signature made up', `'${B}|||${'0'.repeat(64)}'`],
    ["another tenant with its own tenant's signature", `'${B}||' || right(current_setting('app.scope'), 65)`],
    ['an account of its tenant', `'${A}|${uuid(1)}|' || right(current_setting('app.scope'), 65)`],
    ['nothing but a signature', "right(current_setting('app.scope'), 64)"],
    ['text beyond ASCII', "'\u{1f600}'"],
  ])('gains nothing by setting the scope to %s', async (_, value) => {
    await expect(
      smuggled(`SELECT set_config('app.scope', ${value}, true); SELECT name FROM things`),
    ).rejects.toEqual(sqlState('42501'));
  });

  test.each([
    ['read the key', 'SELECT * FROM scope_key'],
    ['change the key', 'UPDATE scope_key SET inner_pad = inner_pad'],
    ['read as its login', 'SET ROLE NONE; SELECT * FROM yggdrasil.things'],
    ['run as another role', 'SET ROLE yggdrasil_identity'],
    ['log in as somebody else', 'SET SESSION AUTHORIZATION postgres'],
    [
      'replace the function that checks',
      'CREATE OR REPLACE FUNCTION current_scope() RETURNS text[] RETURN NULL',
    ],
    [
      'put a function of the same name before it',
      'CREATE FUNCTION pg_temp.current_scope() RETURNS text[] LANGUAGE sql AS $$ SELECT NULL::text[] $$',
    ],
  ])('can not %s', async (_, statements) => {
    await expect(smuggled(statements)).rejects.toEqual(sqlState('42501'));
  });

  test('leaves nothing behind for the next transaction on its connection', async () => {
    await smuggled("SELECT set_config('app.scope', current_setting('app.scope'), false)");
    for (let round = 0; round < 20; round++) {
      const rows = await open.database.tenant(serverFor(B), (sql) => sql`SELECT name FROM things`);
      expect(rows.map((row) => row.name)).toEqual([`of ${B}`]);
    }
  });
});

test("an account's scope tells tenant and account, a device's tells tenant and device", async () => {
  const ids = (sql: Sql) =>
    sql`SELECT current_tenant_id() AS tenant, current_account_id() AS account, current_device_id() AS device`;
  const account = {
    kind: 'account',
    credentialId: TEST_CREDENTIAL_ID,
    tenantId: A,
    accountId: asId<AccountId>(uuid(1)),
    role: 'guest',
    networkIds: [],
    operator: false,
  } as const;
  const device = {
    kind: 'device',
    credentialId: TEST_CREDENTIAL_ID,
    tenantId: B,
    deviceId: asId<DeviceId>(uuid(2)),
  } as const;
  expect(await open.database.tenant(account, ids)).toEqual([{ tenant: A, account: uuid(1), device: null }]);
  expect(await open.database.tenant(device, ids)).toEqual([{ tenant: B, account: null, device: uuid(2) }]);
});
