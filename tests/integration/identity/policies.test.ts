import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccountActor, Actor, DeviceActor, Role } from '../../../server/kernel/actor.ts';
import type { Sql } from '../../../server/kernel/database.ts';
import {
  type AccountId,
  asId,
  type DeviceId,
  type NetworkId,
  type TenantId,
} from '../../../server/kernel/ids.ts';
import { serverFor, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';

/** Statements as an attacker would inject them: they name no tenant and no network, only the policies decide. */
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
  await fill();
});
afterAll(() => db.close());

const A = asId<TenantId>(uuid(1));
const B = asId<TenantId>(uuid(2));
const [KITCHEN, CELLAR, FLAT] = [11, 12, 13].map((number) => asId<NetworkId>(uuid(number))) as [
  NetworkId,
  NetworkId,
  NetworkId,
];
const [OWNER, ADMINISTRATOR, MEMBER, SINGLE, GUEST, STRANGER] = [21, 22, 23, 24, 25, 26].map((number) =>
  asId<AccountId>(uuid(number)),
) as [AccountId, AccountId, AccountId, AccountId, AccountId, AccountId];
const [LAMP, COOLER, PHONE] = [31, 32, 33].map((number) => asId<DeviceId>(uuid(number))) as [
  DeviceId,
  DeviceId,
  DeviceId,
];

const account = (accountId: AccountId, tenantId = A): AccountActor => ({
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId,
  accountId,
  // What the server believes doesn't matter to a policy: all of them say that they are owners.
  role: 'owner',
  networkIds: null,
  operator: false,
});
const device = (deviceId: DeviceId, tenantId: TenantId): DeviceActor => ({
  kind: 'device',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId,
  deviceId,
});

/** A tenant A with a kitchen and a cellar, and B, whose owner is a guest in the kitchen with its phone. */
async function fill(): Promise<void> {
  await db.database.system('identity', async (sql) => {
    for (const id of [A, B, uuid(3), uuid(4), uuid(5), uuid(6)])
      await sql`INSERT INTO tenants (id) VALUES (${id})`;
    const homes = [A, uuid(3), uuid(4), uuid(5), B, uuid(6)];
    for (const [index, id] of [OWNER, ADMINISTRATOR, MEMBER, SINGLE, GUEST, STRANGER].entries()) {
      await sql`INSERT INTO accounts (id, home_tenant_id, name) VALUES (${id}, ${homes[index] ?? A}, 'Somebody')`;
    }
    const memberships: [TenantId, AccountId, Role, boolean][] = [
      [A, OWNER, 'owner', true],
      [A, ADMINISTRATOR, 'administrator', true],
      [A, MEMBER, 'member', true],
      [A, SINGLE, 'member', false],
      [A, GUEST, 'guest', false],
      [B, GUEST, 'owner', true],
    ];
    for (const [tenantId, accountId, role, all] of memberships) {
      await sql`
        INSERT INTO memberships (tenant_id, account_id, role, all_networks)
        VALUES (${tenantId}, ${accountId}, ${role}, ${all})`;
    }
  });
  await db.database.tenant(serverFor(A), async (sql) => {
    for (const [id, name] of [
      [KITCHEN, 'Kitchen'],
      [CELLAR, 'Cellar'],
    ] as const) {
      await sql`INSERT INTO networks (id, tenant_id, name) VALUES (${id}, ${A}, ${name})`;
    }
    for (const id of [SINGLE, GUEST]) {
      await sql`INSERT INTO membership_networks (tenant_id, account_id, network_id) VALUES (${A}, ${id}, ${KITCHEN})`;
    }
    await addDevice(sql, A, LAMP, KITCHEN);
    await addDevice(sql, A, COOLER, CELLAR);
  });
  await db.database.tenant(serverFor(B), async (sql) => {
    await sql`INSERT INTO networks (id, tenant_id, name) VALUES (${FLAT}, ${B}, 'Flat')`;
    await addDevice(sql, B, PHONE, FLAT);
  });
  await join(account(GUEST, B), KITCHEN);
}

async function addDevice(sql: Sql, tenantId: TenantId, id: DeviceId, networkId: NetworkId): Promise<void> {
  await sql`
    INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
    VALUES (${id}, ${tenantId}, 'Device', 'midgard', ${id}, ${Buffer.from(id.replaceAll('-', ''))}, ${Buffer.from('x')})`;
  await sql`
    INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
    VALUES (${tenantId}, ${networkId}, ${tenantId}, ${id})`;
}

const join = (actor: AccountActor, networkId: NetworkId) =>
  db.database.tenant(
    actor,
    (sql) => sql`
      INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id, account_id)
      VALUES (${A}, ${networkId}, ${actor.tenantId}, ${PHONE}, ${actor.accountId})`,
  );

const ids = async (actor: Actor, statement: string): Promise<string[]> => {
  const rows = await db.database.tenant(actor, (sql) => sql.unsafe<{ id: string }[]>(statement));
  return rows.map(({ id }) => id).sort();
};
const changed = async (actor: Actor, statement: string): Promise<number> => {
  let count = 0;
  await db.database
    .tenant(actor, async (sql) => {
      count = (await sql.unsafe(statement)).count;
      throw new Error('taken back');
    })
    .catch((error: Error) => {
      if (error.message !== 'taken back') throw error;
    });
  return count;
};
const refused = expect.objectContaining({ code: '42501' });

describe('what a policy shows', () => {
  it.each([
    [
      'the server itself',
      serverFor(A),
      [KITCHEN, CELLAR],
      [LAMP, COOLER],
      [OWNER, ADMINISTRATOR, MEMBER, SINGLE, GUEST],
    ],
    [
      'an owner',
      account(OWNER),
      [KITCHEN, CELLAR],
      [LAMP, COOLER],
      [OWNER, ADMINISTRATOR, MEMBER, SINGLE, GUEST],
    ],
    [
      'a member',
      account(MEMBER),
      [KITCHEN, CELLAR],
      [LAMP, COOLER],
      [OWNER, ADMINISTRATOR, MEMBER, SINGLE, GUEST],
    ],
    ['a member for the kitchen', account(SINGLE), [KITCHEN], [LAMP], [SINGLE]],
    ['a guest of the kitchen', account(GUEST), [KITCHEN], [LAMP], [GUEST]],
    ['somebody who is no member', account(STRANGER), [], [], []],
    ['a member of another tenant', account(GUEST, B), [FLAT], [PHONE], [GUEST]],
    ['a device', device(LAMP, A), [KITCHEN], [LAMP], []],
  ] as const)('%s', async (_who, actor: Actor, networks, devices, members) => {
    const ask = (statement: string) => ids(actor, statement);
    expect(await ask('SELECT id FROM networks')).toEqual([...networks].sort());
    expect(await ask('SELECT id FROM devices')).toEqual([...devices].sort());
    expect(await ask('SELECT account_id AS id FROM memberships')).toEqual([...members].sort());
    expect(await ask('SELECT id FROM accounts')).toEqual([...members].sort());
  });

  it('of the devices of other tenants is only what is told in the networks one sees', async () => {
    const guests = 'SELECT id FROM guest_devices()';
    expect(await ids(account(OWNER), guests)).toEqual([PHONE]);
    expect(await ids(account(SINGLE), guests)).toEqual([PHONE]);
    expect(await ids(account(STRANGER), guests)).toEqual([]);
    expect(await ids(account(GUEST, B), guests)).toEqual([]);
    expect(
      await ids(
        device(PHONE, B),
        'SELECT network_id AS id FROM network_members WHERE device_id = current_device_id()',
      ),
    ).toEqual([KITCHEN, FLAT].sort());
  });

  it('of a network’s members is each to its own network', async () => {
    const members = 'SELECT device_id AS id FROM network_members';
    expect(await ids(account(GUEST), members)).toEqual([LAMP, PHONE].sort());
    expect(await ids(account(GUEST, B), members)).toEqual([PHONE, PHONE]);
    expect(await ids(device(PHONE, B), members)).toEqual([LAMP, PHONE, PHONE].sort());
    expect(await ids(device(COOLER, A), members)).toEqual([COOLER]);
  });
});

describe('what a policy shows of money and trade', () => {
  const REQUEST = uuid(80);

  beforeAll(async () => {
    await db.database.system('money', async (sql) => {
      await sql`INSERT INTO ledger_accounts (id, tenant_id, kind) VALUES (${uuid(70)}, ${A}, 'available')`;
      await sql`
        INSERT INTO marketplace_providers (id, tenant_id, device_id, slots, offered_at)
        VALUES (${uuid(71)}, ${A}, ${LAMP}, 1, now())`;
      await sql`
        INSERT INTO marketplace_transactions (id, tenant_id, account_id, state, model, provider_id,
          prompt_microcents_per_1000_tokens, cached_prompt_microcents_per_1000_tokens,
          completion_microcents_per_1000_tokens, held_microcents, prompt_tokens, completion_tokens_max, created_at, node_id,
          hold_id, provider_tenant_id, provider_device_id)
        VALUES (${REQUEST}, ${A}, ${MEMBER}, 'PROCESSING', 'm', ${uuid(71)}, 1, 1, 1, 1, 1, 1, now(), 'n', ${uuid(72)}, ${A},
          ${LAMP})`;
    });
  });

  it.each([
    ['the server itself', serverFor(A), 1, [REQUEST]],
    ['an owner', account(OWNER), 1, []],
    ['the member who asked', account(MEMBER), 1, [REQUEST]],
    ['a member for the kitchen', account(SINGLE), 0, []],
    ['a guest of the kitchen', account(GUEST), 0, []],
    ['a member of another tenant', account(GUEST, B), 0, []],
    ['a device', device(LAMP, A), 0, []],
  ] as const)('%s', async (_who, actor: Actor, count, requests) => {
    for (const table of ['ledger_accounts', 'marketplace_providers'])
      expect(await ids(actor, `SELECT id FROM ${table}`), table).toHaveLength(count);
    expect(await ids(actor, 'SELECT id FROM marketplace_transactions')).toEqual([...requests]);
  });
});

describe('what a policy lets change', () => {
  const statements = {
    rename: "UPDATE networks SET name = name || '!'",
    delete: 'DELETE FROM networks',
    promote: "UPDATE memberships SET role = 'owner', all_networks = true",
    expel: 'DELETE FROM memberships',
    relabel: "UPDATE devices SET name = 'Mine'",
    forget: 'DELETE FROM devices',
    empty: 'DELETE FROM network_members',
  };

  it.each([
    ['an owner', account(OWNER), [2, 2, 5, 5, 2, 2, 3]],
    ['an administrator', account(ADMINISTRATOR), [2, 2, 5, 5, 2, 2, 3]],
    ['a member', account(MEMBER), [0, 0, 0, 1, 2, 2, 3]],
    ['a member for the kitchen', account(SINGLE), [0, 0, 0, 1, 1, 0, 2]],
    ['a guest of the kitchen', account(GUEST), [0, 0, 0, 1, 0, 0, 1]],
    ['somebody who is no member', account(STRANGER), [0, 0, 0, 0, 0, 0, 0]],
    ['a device', device(LAMP, A), [0, 0, 0, 0, 1, 0, 0]],
  ] as const)('%s', async (_who, actor, counts) => {
    const found: number[] = [];
    for (const statement of Object.values(statements)) found.push(await changed(actor, statement));
    expect(found).toEqual([...counts]);
  });

  it('is no membership that one gives oneself', async () => {
    const give = (actor: AccountActor, accountId: AccountId) =>
      changed(
        actor,
        `INSERT INTO memberships (tenant_id, account_id, role, all_networks)
         VALUES ('${A}', '${accountId}', 'owner', true)`,
      );
    for (const who of [account(STRANGER), account(MEMBER), account(GUEST)]) {
      await expect(give(who, STRANGER)).rejects.toEqual(refused);
    }
    await expect(give(account(GUEST, B), STRANGER)).rejects.toEqual(refused);
    expect(await give(account(ADMINISTRATOR), STRANGER)).toBe(1);
    await expect(
      changed(
        account(GUEST),
        `INSERT INTO membership_networks (tenant_id, account_id, network_id) VALUES ('${A}', '${GUEST}', '${CELLAR}')`,
      ),
    ).rejects.toEqual(refused);
  });

  it('is no device in a network that one was not invited into', async () => {
    await expect(join(account(GUEST, B), CELLAR)).rejects.toEqual(refused);
    await expect(join({ ...account(STRANGER, B) }, KITCHEN)).rejects.toEqual(refused);
  });
});

describe('what a policy shows of tokens', () => {
  const [OWNERS, GUESTS] = [uuid(90), uuid(91)] as const;
  const insert = (id: string, accountId: AccountId) => `
    INSERT INTO account_tokens (id, account_id, kind, name, token_hash)
    VALUES ('${id}', '${accountId}', 'personal', 'Token', sha256('${id}'))`;

  beforeAll(() =>
    db.database.system('identity', async (sql) => {
      await sql.unsafe(insert(OWNERS, OWNER));
      await sql.unsafe(insert(GUESTS, GUEST));
    }),
  );

  it.each([
    ['the server itself', serverFor(A), []],
    ['an owner', account(OWNER), [OWNERS]],
    ['an administrator', account(ADMINISTRATOR), []],
    ['a guest', account(GUEST), [GUESTS]],
    ['a guest at home', account(GUEST, B), [GUESTS]],
    ['an account where it is no member', account(OWNER, B), []],
    ['a device', device(LAMP, A), []],
  ] as const)('%s: its own', async (_who, actor: Actor, tokens) => {
    expect(await ids(actor, 'SELECT id FROM account_tokens')).toEqual([...tokens]);
    expect(await changed(actor, 'DELETE FROM account_tokens')).toBe(tokens.length);
  });

  it('is never the secret, and nobody makes one for another', async () => {
    await expect(ids(account(OWNER), 'SELECT token_hash FROM account_tokens')).rejects.toEqual(refused);
    await expect(changed(account(OWNER), "UPDATE account_tokens SET name = 'x'")).rejects.toEqual(refused);
    for (const actor of [account(OWNER), account(ADMINISTRATOR), device(LAMP, A), serverFor(A)]) {
      await expect(changed(actor, insert(uuid(92), GUEST))).rejects.toEqual(refused);
    }
    expect(await changed(account(GUEST), insert(uuid(92), GUEST))).toBe(1);
  });
});
