import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import { may } from '../../kernel/permission.ts';
import {
  type BroughtDeviceRows,
  countOwners,
  findOne,
  type GrantRow,
  insertMember,
  insertNetworks,
  insertOwner,
  insertTenant,
  lockMembers,
  type MembershipRow,
  toGrant,
  toMembership,
} from './membership-rows.postgres.ts';
import { createOwnershipRows, type HomeRows } from './ownership.postgres.ts';
import type { ChangeOutcome, TenantStore } from './ports.ts';
import type { Membership, MembershipGrant, Tenant } from './types.ts';

/** What a foreign key that found nothing says of the change; every other error is thrown on. */
function outcomeOfMissing(error: unknown): ChangeOutcome {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  if (code === '23503' && constraint === 'membership_networks_of_network')
    return { kind: 'network_not_found' };
  if (code === '23503' && constraint === 'memberships_of_account') return { kind: 'user_not_found' };
  throw error;
}

/** What of a tenant other stores write and read in their own transactions. */
export interface TenantRows {
  addTenant(sql: Sql, tenant: Tenant): Promise<void>;
  /** Makes the account an owner of the tenant; both were added before. */
  addOwner(sql: Sql, tenantId: TenantId, accountId: AccountId, createdAtMs: number): Promise<void>;
  /** Until the transaction ends, no membership of the tenant changes. */
  keepMembers(sql: Sql, tenantId: TenantId): Promise<void>;
  findMembership(sql: Sql, tenantId: TenantId, accountId: AccountId): Promise<MembershipGrant | null>;
}

/** Null: all members of the tenant; else the one that the actor sees. */
const onlyAccount = (actor: AccountActor) => (may(actor, 'members.read') ? null : actor.accountId);

async function selectMembers(sql: Sql, actor: AccountActor, after: AccountId | null, limit: number) {
  const { tenantId } = actor;
  const only = onlyAccount(actor);
  const rows = await sql<MembershipRow[]>`
    SELECT memberships.*, ARRAY(
      SELECT network_id FROM membership_networks
      WHERE membership_networks.tenant_id = ${tenantId}
        AND membership_networks.account_id = memberships.account_id
      ORDER BY network_id) AS network_ids
    FROM memberships
    WHERE tenant_id = ${tenantId} AND (${only}::uuid IS NULL OR account_id = ${only}::uuid)
      AND (${after}::uuid IS NULL OR account_id > ${after}::uuid)
    ORDER BY account_id LIMIT ${limit}`;
  return rows.map(toMembership);
}

async function updateGrant(sql: Sql, { tenantId, accountId }: Membership, after: MembershipGrant) {
  await sql`
    UPDATE memberships SET role = ${after.role}, all_networks = ${after.networkIds === null}
    WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
  await sql`
    DELETE FROM membership_networks
    WHERE tenant_id = ${tenantId} AND account_id = ${accountId}
      AND network_id <> ALL (${[...(after.networkIds ?? [])]}::uuid[])`;
  if (after.networkIds !== null) await insertNetworks(sql, { tenantId, accountId }, after.networkIds);
}

async function selectTenants(
  sql: Sql,
  accountId: AccountId,
  after: ListPosition<TenantId> | null,
  limit: number,
) {
  const { at, id } = sqlPosition(after);
  const rows = await sql<(GrantRow & { id: TenantId; name: string; created_at: Date })[]>`
    SELECT tenants.id, tenants.name, memberships.created_at, memberships.role, memberships.all_networks, ARRAY(
      SELECT network_id FROM membership_networks
      WHERE membership_networks.tenant_id = tenants.id AND membership_networks.account_id = ${accountId}
      ORDER BY network_id) AS network_ids
    FROM memberships JOIN tenants ON tenants.id = memberships.tenant_id
    WHERE memberships.account_id = ${accountId}
      AND (${at}::timestamptz IS NULL
        OR (memberships.created_at, memberships.tenant_id) > (${at}::timestamptz, ${id}::uuid))
    ORDER BY memberships.created_at, memberships.tenant_id LIMIT ${limit}`;
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    createdAtMs: row.created_at.getTime(),
    ...toGrant(row),
  }));
}

/** Tenants and memberships in PostgreSQL. A membership that ends takes the devices that its account brought along. */
export function createTenantStore(
  database: Database,
  broughtDevices: BroughtDeviceRows,
  homes: HomeRows,
): TenantStore {
  return {
    ...createOwnershipRows(database, { homes, broughtDevices }),

    findMember: (actor, accountId) =>
      database.tenant(actor, async (sql) => {
        const only = onlyAccount(actor);
        return only !== null && only !== accountId ? null : findOne(sql, actor.tenantId, accountId);
      }),

    listMembers: (actor, after, limit) =>
      database.read(actor, (sql) => selectMembers(sql, actor, after, limit)),

    addMember: (actor, membership, decide) =>
      database.tenant(actor, (sql) => insertMember(sql, membership, decide)).catch(outcomeOfMissing),

    changeMember: (actor, accountId, after, decide) =>
      database
        .tenant(actor, async (sql): Promise<ChangeOutcome> => {
          const { tenantId } = actor;
          await lockMembers(sql, tenantId);
          const before = await findOne(sql, tenantId, accountId);
          if (before === null) return { kind: 'not_found' };
          const refused = decide({ before, owners: await countOwners(sql, tenantId) });
          if (refused !== null) return { kind: 'refused', reason: refused };
          const kept = after === null ? [] : after.networkIds;
          const left = await broughtDevices.leaveWithin(sql, { tenantId, accountId }, kept);
          if (after !== null) await updateGrant(sql, before, after);
          else await sql`DELETE FROM memberships WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
          return { kind: 'done', before, left };
        })
        .catch(outcomeOfMissing),

    listTenants: (accountId, after, limit) =>
      database.system('identity', (sql) => selectTenants(sql, accountId, after, limit)),
  };
}

/** What other stores write and read of tenants. */
export function createTenantRows(): TenantRows {
  return {
    addTenant: insertTenant,
    addOwner: insertOwner,
    async keepMembers(sql, tenantId) {
      await sql`SELECT pg_advisory_xact_lock_shared(hashtextextended(${`members:${tenantId}`}, 0))`;
    },
    findMembership: findOne,
  };
}
