import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { AccountId, InvitationId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { type ListPosition, sqlPosition } from '../../kernel/page.ts';
import { countOwners, findOne, insertMember, lockMembers, toGrant } from './membership-rows.postgres.ts';
import type { InvitationStore, StoredInvitation } from './ports.ts';
import type { Invitation } from './types.ts';

interface InvitationRow {
  id: InvitationId;
  tenant_id: TenantId;
  role: Invitation['role'];
  all_networks: boolean;
  network_ids: NetworkId[];
  address: string | null;
  invited_by: AccountId;
  created_at: Date;
  expires_at: Date;
}

const toInvitation = (row: InvitationRow): Invitation => ({
  ...toGrant(row),
  id: row.id,
  tenantId: row.tenant_id,
  address: row.address,
  invitedBy: row.invited_by,
  createdAtMs: row.created_at.getTime(),
  expiresAtMs: row.expires_at.getTime(),
});

async function insertInvitation(sql: Sql, invitation: StoredInvitation): Promise<void> {
  const { id, tenantId, role, networkIds, address, hash, invitedBy, createdAtMs, expiresAtMs } = invitation;
  await sql`
    INSERT INTO invitations (id, tenant_id, role, all_networks, address, token_hash, invited_by, created_at, expires_at)
    VALUES (${id}, ${tenantId}, ${role}, ${networkIds === null}, ${address}, ${hash}, ${invitedBy},
      ${new Date(createdAtMs)}, ${new Date(expiresAtMs)})`;
  if (networkIds === null) return;
  await sql`
    INSERT INTO invitation_networks (tenant_id, invitation_id, network_id)
    SELECT ${tenantId}, ${id}, network_id FROM unnest(${[...networkIds]}::uuid[]) AS network_id`;
}

async function selectInvitations(
  sql: Sql,
  { tenantId }: AccountActor,
  after: ListPosition<InvitationId> | null,
  limit: number,
  nowMs: number,
): Promise<Invitation[]> {
  const { at, id } = sqlPosition(after);
  const rows = await sql<InvitationRow[]>`
    SELECT id, tenant_id, role, all_networks, address, invited_by, created_at, expires_at, ARRAY(
      SELECT network_id FROM invitation_networks
      WHERE invitation_networks.tenant_id = ${tenantId} AND invitation_id = invitations.id
      ORDER BY network_id) AS network_ids
    FROM invitations
    WHERE tenant_id = ${tenantId} AND expires_at > ${new Date(nowMs)}
      AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
    ORDER BY created_at, id LIMIT ${limit}`;
  return rows.map(toInvitation);
}

/** The invitation of a token that is still good; with its tenant's name. */
async function findByToken(sql: Sql, tokenHash: Uint8Array, nowMs: number) {
  const [row] = await sql<(InvitationRow & { tenant_name: string })[]>`
    SELECT invitations.id, tenant_id, role, all_networks, address, invited_by, invitations.created_at, expires_at,
      tenants.name AS tenant_name, ARRAY(
        SELECT network_id FROM invitation_networks
        WHERE invitation_networks.tenant_id = invitations.tenant_id AND invitation_id = invitations.id
        ORDER BY network_id) AS network_ids
    FROM invitations JOIN tenants ON tenants.id = tenant_id
    WHERE token_hash = ${tokenHash} AND expires_at > ${new Date(nowMs)}`;
  return row ?? null;
}

/** What a foreign key that found no network says; every other error is thrown on. */
function outcomeOfMissing(error: unknown): { kind: 'network_not_found' } {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  if (code === '23503' && constraint === 'invitation_networks_of_network')
    return { kind: 'network_not_found' };
  throw error;
}

async function redeem(
  sql: Sql,
  { tokenHash, accountId, address, nowMs }: Parameters<InvitationStore['redeem']>[0],
  decide: Parameters<InvitationStore['redeem']>[1],
): ReturnType<InvitationStore['redeem']> {
  const named = await findByToken(sql, tokenHash, nowMs);
  if (named === null || (named.address !== null && named.address !== address)) return { kind: 'not_found' };
  // Memberships of the tenant stand still from here on; the invitation may have gone while we waited.
  await lockMembers(sql, named.tenant_id);
  const row = await findByToken(sql, tokenHash, nowMs);
  if (row === null || (!row.all_networks && row.network_ids.length === 0)) return { kind: 'not_found' };
  const grant = toGrant(row);
  const inviter = await findOne(sql, row.tenant_id, row.invited_by);
  const owners = await countOwners(sql, row.tenant_id);
  if (inviter === null || decide({ inviter, grant, owners }) !== null) return { kind: 'not_found' };
  const membership = { ...grant, tenantId: row.tenant_id, accountId, createdAtMs: nowMs };
  const outcome = await insertMember(sql, membership, () => null);
  if (outcome.kind === 'exists' || outcome.kind === 'limit_reached') return { kind: outcome.kind };
  await sql`DELETE FROM invitations WHERE id = ${row.id}`;
  return {
    kind: 'joined',
    tenant: { ...grant, id: row.tenant_id, name: row.tenant_name, createdAtMs: nowMs },
  };
}

/** Invitations in PostgreSQL. */
export function createInvitationStore(database: Database): InvitationStore {
  return {
    addInvitation: (actor, invitation, invitationsMax) =>
      database
        .tenant(actor, async (sql) => {
          const { tenantId } = actor;
          await lockMembers(sql, tenantId);
          const [found] = await sql<{ count: bigint; name: string }[]>`
            SELECT name, (
              SELECT count(*) FROM invitations
              WHERE tenant_id = ${tenantId} AND expires_at > ${new Date(invitation.createdAtMs)}) AS count
            FROM tenants WHERE id = ${tenantId}`;
          if (found === undefined || found.count >= BigInt(invitationsMax))
            return { kind: 'limit_reached' } as const;
          await insertInvitation(sql, invitation);
          return { kind: 'added', tenantName: found.name } as const;
        })
        .catch(outcomeOfMissing),

    listInvitations: (actor, after, limit, nowMs) =>
      database.tenant(actor, (sql) => selectInvitations(sql, actor, after, limit, nowMs)),

    removeInvitation: (actor, id) =>
      database.tenant(actor, async (sql) => {
        const removed = await sql`DELETE FROM invitations WHERE tenant_id = ${actor.tenantId} AND id = ${id}`;
        return removed.count > 0;
      }),

    redeem: (redemption, decide) => database.system('identity', (sql) => redeem(sql, redemption, decide)),

    removeExpired: (nowMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM invitations WHERE expires_at < ${new Date(nowMs)}`;
      }),
  };
}
