import type { Sql } from '../../kernel/database.ts';
import type { AccountId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { MEMBERS_PER_TENANT_MAX } from './limits.ts';
import type { BroughtDevice, ChangeOutcome, DecideChange } from './ports.ts';
import type { Membership, MembershipGrant, Tenant } from './types.ts';

/** What a row says of a membership's rights. */
export interface GrantRow {
  role: MembershipGrant['role'];
  all_networks: boolean;
  network_ids: NetworkId[];
}

/** A row of `memberships` with its networks. */
export interface MembershipRow extends GrantRow {
  tenant_id: TenantId;
  account_id: AccountId;
  created_at: Date;
}

/** The grant in a row. */
export const toGrant = (row: GrantRow): MembershipGrant => ({
  role: row.role,
  networkIds: row.all_networks ? null : row.network_ids,
});

/** The membership in a row. */
export const toMembership = (row: MembershipRow): Membership => ({
  ...toGrant(row),
  tenantId: row.tenant_id,
  accountId: row.account_id,
  createdAtMs: row.created_at.getTime(),
});

/** Changes of one tenant's members come one after the other: each counts the owners that the one before left. */
export async function lockMembers(sql: Sql, tenantId: TenantId): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`members:${tenantId}`}, 0))`;
}

/** The membership of an account; null: it has none. */
export async function findOne(
  sql: Sql,
  tenantId: TenantId,
  accountId: AccountId,
): Promise<Membership | null> {
  const [row] = await sql<MembershipRow[]>`
    SELECT memberships.*, ARRAY(
      SELECT network_id FROM membership_networks
      WHERE membership_networks.tenant_id = ${tenantId} AND membership_networks.account_id = ${accountId}
      ORDER BY network_id) AS network_ids
    FROM memberships WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
  return row === undefined ? null : toMembership(row);
}

/** How many owners the tenant has. */
export async function countOwners(sql: Sql, tenantId: TenantId): Promise<number> {
  const [row] = await sql<{ count: bigint }[]>`
    SELECT count(*) AS count FROM memberships WHERE tenant_id = ${tenantId} AND role = 'owner'`;
  return Number(row?.count ?? 0);
}

/** The networks that a membership is for. */
export async function insertNetworks(
  sql: Sql,
  { tenantId, accountId }: { tenantId: TenantId; accountId: AccountId },
  networkIds: readonly NetworkId[],
): Promise<void> {
  await sql`
    INSERT INTO membership_networks (tenant_id, account_id, network_id)
    SELECT ${tenantId}, ${accountId}, network_id FROM unnest(${[...networkIds]}::uuid[]) AS network_id
    ON CONFLICT DO NOTHING`;
}

/** The devices that members brought into networks of the tenant, as the rows that end with a membership. */
export interface BroughtDeviceRows {
  /**
   * Takes out, in the same transaction, the devices that the account brought into networks other than these (null: it
   * keeps all); gives those that left.
   */
  leaveWithin(
    sql: Sql,
    membership: { readonly tenantId: TenantId; readonly accountId: AccountId },
    keptNetworkIds: readonly NetworkId[] | null,
  ): Promise<readonly BroughtDevice[]>;
}

/** Adds a membership, where the rules let it and there is room. */
export async function insertMember(
  sql: Sql,
  membership: Membership,
  decide: DecideChange,
): Promise<ChangeOutcome> {
  const { tenantId, accountId, role, networkIds, createdAtMs } = membership;
  await lockMembers(sql, tenantId);
  const refused = decide({ before: null, owners: await countOwners(sql, tenantId) });
  if (refused !== null) return { kind: 'refused', reason: refused };
  const [count] = await sql<{ count: bigint }[]>`
    SELECT count(*) AS count FROM memberships WHERE tenant_id = ${tenantId}`;
  if (count === undefined || count.count >= BigInt(MEMBERS_PER_TENANT_MAX)) return { kind: 'limit_reached' };
  const added = await sql`
    INSERT INTO memberships (tenant_id, account_id, role, all_networks, created_at)
    VALUES (${tenantId}, ${accountId}, ${role}, ${networkIds === null}, ${new Date(createdAtMs)})
    ON CONFLICT (tenant_id, account_id) DO NOTHING RETURNING 1`;
  if (added.length === 0) return { kind: 'exists' };
  if (networkIds !== null) await insertNetworks(sql, membership, networkIds);
  return { kind: 'done', before: null, left: [] };
}

/** Adds a tenant. */
export async function insertTenant(sql: Sql, { id, name, createdAtMs }: Tenant): Promise<void> {
  await sql`INSERT INTO tenants (id, name, created_at) VALUES (${id}, ${name}, ${new Date(createdAtMs)})`;
}

/** Adds a tenant with its owner. */
export async function insertOwned(sql: Sql, tenant: Tenant, accountId: AccountId): Promise<void> {
  await insertTenant(sql, tenant);
  await insertOwner(sql, tenant.id, accountId, tenant.createdAtMs);
}

/** Makes an account an owner of a tenant that it is no member of. */
export async function insertOwner(
  sql: Sql,
  tenantId: TenantId,
  accountId: AccountId,
  createdAtMs: number,
): Promise<void> {
  await sql`
    INSERT INTO memberships (tenant_id, account_id, role, all_networks, created_at)
    VALUES (${tenantId}, ${accountId}, 'owner', true, ${new Date(createdAtMs)})`;
}
