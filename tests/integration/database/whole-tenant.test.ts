import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccountActor, Actor } from '../../../server/kernel/actor.ts';
import type { Sql } from '../../../server/kernel/database.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { connect } from '../../../server/platform/database/connect.ts';
import { addColleague, addOwner, newOwner, serverFor, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';

const SEEN = asId<NetworkId>(uuid(11));
const HIDDEN = asId<NetworkId>(uuid(12));
const IN_SEEN = asId<DeviceId>(uuid(21));
const IN_HIDDEN = asId<DeviceId>(uuid(22));

let scratch: TestDatabase;
const owner = newOwner();
const stranger = newOwner();
let guest: AccountActor;
let member: AccountActor;

/** As the owner of the tables, past its own policies. */
async function asTableOwner(work: (sql: ReturnType<typeof connect>) => Promise<unknown>): Promise<void> {
  const sql = connect(scratch.url, { connectionsMax: 1 });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}

/** A member of the owner's tenant, for one network of it. */
async function addMemberOfOne(role: 'member' | 'guest'): Promise<AccountActor> {
  const colleague = await addColleague(scratch.database, owner);
  const { tenantId, accountId } = colleague;
  await scratch.database.tenant(serverFor(tenantId), async (sql) => {
    await sql`UPDATE memberships SET role = ${role}, all_networks = false WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
    await sql`INSERT INTO membership_networks (tenant_id, account_id, network_id) VALUES (${tenantId}, ${accountId}, ${SEEN})`;
  });
  return { ...colleague, role, networkIds: [SEEN] };
}

const addDevice = (sql: Sql, deviceId: DeviceId, networkId: NetworkId) =>
  sql`
  WITH device AS (
    INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
    VALUES (${deviceId}, ${owner.tenantId}, ${deviceId}, 'jotunheim', ${deviceId}, sha256(${deviceId}::text::bytea), ''))
  SELECT 1`.then(
    () => sql`
    INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
    VALUES (${owner.tenantId}, ${networkId}, ${owner.tenantId}, ${deviceId})`,
  );

beforeAll(async () => {
  scratch = await createTestDatabase();
  await addOwner(scratch.database, owner);
  await addOwner(scratch.database, stranger);
  await scratch.database.tenant(serverFor(owner.tenantId), async (sql) => {
    for (const id of [SEEN, HIDDEN])
      await sql`INSERT INTO networks (id, tenant_id, name) VALUES (${id}, ${owner.tenantId}, ${id})`;
    await addDevice(sql, IN_SEEN, SEEN);
    await addDevice(sql, IN_HIDDEN, HIDDEN);
  });
  guest = await addMemberOfOne('guest');
  member = await addMemberOfOne('member');
});
afterAll(() => scratch?.close());

const deviceActor = (): Actor => ({
  kind: 'device',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId: owner.tenantId,
  deviceId: IN_SEEN,
});
/** Somebody whose membership in this tenant is gone, or never was. */
const outsider = (): AccountActor => ({ ...stranger, tenantId: owner.tenantId });

const actors: Readonly<Record<string, () => Actor>> = {
  server: () => serverFor(owner.tenantId),
  owner: () => owner,
  member: () => member,
  guest: () => guest,
  device: deviceActor,
  outsider,
};

describe('what the policies ask says of', () => {
  const rights = async (actor: Actor) => {
    const [row] = await scratch.database.read(
      actor,
      (sql) => sql`
        SELECT whole_tenant_id() IS NOT DISTINCT FROM ${owner.tenantId} AS whole,
          administered_tenant_id() IS NOT DISTINCT FROM ${owner.tenantId} AS administered,
          sees_whole_tenant() AS sees, administers_tenant() AS administers, changes_devices() AS changes,
          ARRAY(SELECT visible_network_ids()) AS networks`,
    );
    return row;
  };
  const everything = {
    whole: true,
    administered: true,
    sees: true,
    administers: true,
    changes: true,
    networks: [],
  };
  const nothing = {
    whole: false,
    administered: false,
    sees: false,
    administers: false,
    changes: false,
    networks: [],
  };

  test.each([
    ['server', everything],
    ['owner', everything],
    ['member', { ...nothing, changes: true, networks: [SEEN] }],
    ['guest', { ...nothing, networks: [SEEN] }],
    ['device', { ...nothing, networks: [SEEN] }],
    ['outsider', nothing],
  ])('the %s what it is', async (name, expected) => {
    expect(await rights((actors[name] as () => Actor)())).toEqual(expected);
  });

  test('a scope that is not set: nothing', async () => {
    const [row] = await scratch.database.tenant(serverFor(owner.tenantId), async (sql) => {
      await sql`SELECT set_config('app.scope', '', true)`;
      return sql`SELECT whole_tenant_id() AS whole, administered_tenant_id() AS administered,
        sees_whole_tenant() AS sees, administers_tenant() AS administers, changes_devices() AS changes`;
    });
    expect(row).toEqual({ whole: null, administered: null, sees: false, administers: false, changes: false });
  });
});

test.each([
  ['server', [IN_SEEN, IN_HIDDEN], [SEEN, HIDDEN]],
  ['owner', [IN_SEEN, IN_HIDDEN], [SEEN, HIDDEN]],
  ['member', [IN_SEEN], [SEEN]],
  ['guest', [IN_SEEN], [SEEN]],
  ['device', [IN_SEEN], [SEEN]],
  ['outsider', [], []],
])('the %s sees its devices and networks', async (name, devices, networks) => {
  const actor = (actors[name] as () => Actor)();
  const ids = async (table: string) =>
    (await scratch.database.read(actor, (sql) => sql`SELECT id FROM ${sql(table)} ORDER BY id`)).map(
      ({ id }) => id,
    );
  expect(await ids('devices')).toEqual(devices);
  expect(await ids('networks')).toEqual(networks);
  const members = await scratch.database.read(
    actor,
    (sql) => sql`SELECT device_id FROM network_members ORDER BY device_id`,
  );
  expect(members.map(({ device_id: id }) => id)).toEqual(devices);
});

describe("a statement on a tenant's connection", () => {
  const smuggled = (statements: string) => scratch.database.tenant(stranger, (sql) => sql.unsafe(statements));
  const refused = expect.objectContaining({ code: '42501' });
  /** Sets a scope of the owner's tenant, with the signature of the stranger's own. */
  const forge = (account: string) =>
    `SELECT set_config('app.scope', '${owner.tenantId}|${account}||' || right(current_setting('app.scope'), 64), true)`;

  test.each([
    'whole_tenant_id()',
    'administered_tenant_id()',
    'sees_whole_tenant()',
    'administers_tenant()',
    'changes_devices()',
    'visible_network_ids()',
    'current_scope()',
    'current_tenant_id()',
    `may_see_network('${SEEN}')`,
    `is_invited('${owner.tenantId}', '${SEEN}')`,
    'guest_devices()',
    'own_group_ids()',
  ])('gets no answer of %s for a scope it made up', async (call) => {
    await expect(smuggled(`SELECT ${call}; ${forge('')}; SELECT ${call}`)).rejects.toEqual(refused);
    await expect(smuggled(`${forge(owner.accountId)}; SELECT ${call}`)).rejects.toEqual(refused);
  });

  test('gets no row of any table for a scope it made up, after it has read with its own', async () => {
    let tables: string[] = [];
    await asTableOwner(async (sql) => {
      const rows = await sql<{ name: string }[]>`
        SELECT c.relname AS name FROM pg_class c
        WHERE relnamespace = 'yggdrasil'::regnamespace AND relkind = 'r'
          AND has_any_column_privilege('yggdrasil_tenant', c.oid, 'SELECT')`;
      tables = rows.map(({ name }) => name);
    });
    expect(tables.length).toBeGreaterThan(40);
    for (const table of tables) {
      for (const account of ['', owner.accountId]) {
        const own = `SELECT count(*) FROM ${table}`;
        const rows = await smuggled(`${own}; ${forge(account)}; ${own}`).then(
          (results) => Number((results as unknown as { count: bigint }[][]).at(-1)?.[0]?.count),
          (error: { code?: string }) => error.code,
        );
        // A table without rows is not asked for.
        expect(['42501', 0], table).toContain(rows);
      }
    }
    for (const table of ['devices', 'networks', 'network_members', 'memberships', 'tenants']) {
      const read = smuggled(`${forge('')}; SELECT FROM ${table}`);
      await expect(read, table).rejects.toEqual(refused);
    }
  });

  test('does not tell by its refusal whether a row of others is there', async () => {
    for (const id of [IN_SEEN, uuid(999)]) {
      for (const account of ['', owner.accountId]) {
        const outcome = await smuggled(`${forge(account)}; SELECT FROM devices WHERE id = '${id}'`).catch(
          (error: { code?: string }) => error.code,
        );
        expect(outcome).toBe('42501');
      }
    }
  });

  test.each([
    ['run as the owner of the tables', 'SET ROLE yggdrasil_owner; SELECT FROM memberships'],
    [
      'replace the function that is asked',
      'CREATE OR REPLACE FUNCTION whole_tenant_id() RETURNS uuid RETURN NULL',
    ],
  ])('can not %s', async (_, statements) => {
    await expect(smuggled(statements)).rejects.toEqual(
      expect.objectContaining({ code: expect.stringMatching(/^42501$|^22023$/) }),
    );
  });

  test('is refused for a scope it made up wherever it has names looked for first', async () => {
    const call = 'SELECT whole_tenant_id()';
    await expect(
      smuggled(`SET LOCAL search_path = pg_temp, public, yggdrasil; ${forge('')}; ${call}`),
    ).rejects.toEqual(refused);
  });
});

test('a membership that ends while its account reads is seen by the next statement', async () => {
  const leaving = await addColleague(scratch.database, owner);
  const seen = await scratch.database.tenant(leaving, async (sql) => {
    const before = await sql`SELECT FROM devices`;
    await scratch.database.tenant(
      owner,
      (other) =>
        other`DELETE FROM memberships WHERE tenant_id = ${leaving.tenantId} AND account_id = ${leaving.accountId}`,
    );
    const after = await sql`SELECT FROM devices`;
    return [before.length, after.length];
  });
  expect(seen).toEqual([2, 0]);
});
