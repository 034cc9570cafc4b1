import type { Sql } from '../../kernel/database.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { lockMembers } from './membership-rows.postgres.ts';
import type { LeavingMembership } from './types.ts';

/** What becomes of the tenants of an account that goes, as rows that are written in the caller's transaction. */
export interface LeavingRows {
  /** The account's memberships. Until the transaction ends, those of the tenants that it owns don't change. */
  lockAndList(sql: Sql, accountId: AccountId): Promise<readonly LeavingMembership[]>;
  /** Nobody is invited into the tenant any more. */
  withdrawInvitations(sql: Sql, tenantId: TenantId): Promise<void>;
  /** Makes a member an owner. */
  promote(sql: Sql, tenantId: TenantId, accountId: AccountId): Promise<void>;
  /** Removes a tenant without members, networks and devices. */
  removeTenant(sql: Sql, tenantId: TenantId): Promise<void>;
}

interface LeavingRow {
  tenant_id: TenantId;
  role: LeavingMembership['role'];
  other_owners: bigint;
  others: bigint;
  successor: AccountId | null;
}

async function selectLeaving(sql: Sql, accountId: AccountId): Promise<readonly LeavingMembership[]> {
  const rows = await sql<LeavingRow[]>`
    SELECT own.tenant_id, own.role,
      (SELECT count(*) FROM memberships
        WHERE tenant_id = own.tenant_id AND account_id <> ${accountId} AND role = 'owner') AS other_owners,
      (SELECT count(*) FROM memberships WHERE tenant_id = own.tenant_id AND account_id <> ${accountId}) AS others,
      (SELECT account_id FROM memberships
        WHERE tenant_id = own.tenant_id AND account_id <> ${accountId} AND all_networks
        ORDER BY role = 'administrator' DESC, created_at, account_id LIMIT 1) AS successor
    FROM memberships AS own WHERE own.account_id = ${accountId} ORDER BY own.tenant_id`;
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    role: row.role,
    otherOwners: Number(row.other_owners),
    otherMembers: Number(row.others),
    successor: row.successor,
  }));
}

/** Leaving tenants, in PostgreSQL. */
export function createLeavingRows(): LeavingRows {
  return {
    async lockAndList(sql, accountId) {
      // As for a tenant that the account makes: it makes none meanwhile.
      await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`tenants:${accountId}`}, 0))`;
      const owned = await sql<{ tenant_id: TenantId }[]>`
        SELECT tenant_id FROM memberships WHERE account_id = ${accountId} AND role = 'owner' ORDER BY tenant_id`;
      for (const { tenant_id: tenantId } of owned) await lockMembers(sql, tenantId);
      return selectLeaving(sql, accountId);
    },
    async withdrawInvitations(sql, tenantId) {
      await sql`DELETE FROM invitations WHERE tenant_id = ${tenantId}`;
    },
    async promote(sql, tenantId, accountId) {
      await sql`
        UPDATE memberships SET role = 'owner', all_networks = true
        WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
    },
    async removeTenant(sql, tenantId) {
      await sql`DELETE FROM tenants WHERE id = ${tenantId}`;
    },
  };
}
