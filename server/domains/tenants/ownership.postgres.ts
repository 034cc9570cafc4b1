import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { type BroughtDeviceRows, findOne, insertOwned, lockMembers } from './membership-rows.postgres.ts';
import type { BroughtDevice, ChangeOutcome, TenantStore } from './ports.ts';
import type { Tenant } from './types.ts';

/** Which tenant was made with an account, as the row that says so. */
export interface HomeRows {
  /** The account's home; locked until the transaction ends. */
  lockHome(sql: Sql, accountId: AccountId): Promise<TenantId | null>;
  moveHome(sql: Sql, accountId: AccountId, tenantId: TenantId): Promise<void>;
}

async function handOver(
  sql: Sql,
  rows: { readonly homes: HomeRows; readonly broughtDevices: BroughtDeviceRows },
  { tenantId, accountId }: AccountActor,
  to: AccountId,
  newHome: Tenant,
): Promise<ChangeOutcome> {
  await lockMembers(sql, tenantId);
  if ((await findOne(sql, tenantId, to)) === null) return { kind: 'not_found' };
  // The statement itself asks for the owner, so that nobody else can hand a tenant over.
  const resigned = await sql`
    UPDATE memberships SET role = 'administrator'
    WHERE tenant_id = ${tenantId} AND account_id = ${accountId} AND role = 'owner'`;
  if (resigned.count === 0) return { kind: 'refused', reason: 'forbidden' };
  await sql`
    UPDATE memberships SET role = 'owner', all_networks = true
    WHERE tenant_id = ${tenantId} AND account_id = ${to}`;
  await sql`DELETE FROM membership_networks WHERE tenant_id = ${tenantId} AND account_id = ${to}`;
  const before = null;
  if ((await rows.homes.lockHome(sql, accountId)) !== tenantId) return { kind: 'done', before, left: [] };
  const left = await leaveElsewhere(sql, rows.broughtDevices, { tenantId, accountId });
  await insertOwned(sql, newHome, accountId);
  await rows.homes.moveHome(sql, accountId, newHome.id);
  return { kind: 'done', before, left };
}

/** Takes the devices that the account brought into other tenants out of there. */
async function leaveElsewhere(
  sql: Sql,
  broughtDevices: BroughtDeviceRows,
  { tenantId, accountId }: { readonly tenantId: TenantId; readonly accountId: AccountId },
): Promise<BroughtDevice[]> {
  const others = await sql<{ tenant_id: TenantId }[]>`
    SELECT tenant_id FROM memberships WHERE account_id = ${accountId} AND tenant_id <> ${tenantId}`;
  const left: BroughtDevice[] = [];
  for (const other of others) {
    left.push(...(await broughtDevices.leaveWithin(sql, { tenantId: other.tenant_id, accountId }, [])));
  }
  return left;
}

/** The part of the tenants' store about owning them. */
export function createOwnershipRows(
  database: Database,
  rows: { readonly homes: HomeRows; readonly broughtDevices: BroughtDeviceRows },
): Pick<TenantStore, 'addOwnTenant' | 'renameTenant' | 'handOver'> {
  return {
    addOwnTenant: (tenant, accountId, tenantsMax) =>
      database.system('identity', async (sql) => {
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`tenants:${accountId}`}, 0))`;
        const owned = await sql`
          SELECT 1 FROM memberships WHERE account_id = ${accountId} AND role = 'owner' LIMIT ${tenantsMax}`;
        if (owned.length >= tenantsMax) return false;
        await insertOwned(sql, tenant, accountId);
        return true;
      }),

    renameTenant: (actor, name) =>
      database.tenant(actor, async (sql) => {
        const renamed = await sql`UPDATE tenants SET name = ${name} WHERE id = ${actor.tenantId}`;
        return renamed.count > 0;
      }),

    handOver: (actor, to, newHome) =>
      database.system('identity', (sql) => handOver(sql, rows, actor, to, newHome)),
  };
}
