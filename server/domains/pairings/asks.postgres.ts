import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import type { Sql } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { AskToKeep, PairingStore } from './ports.ts';
import { type PairingRow, toPairing } from './rows.ts';
import { isNarrowed, isStanding } from './rules.ts';

interface Sides {
  tenant_id: TenantId;
  source_tenant_id: TenantId;
  target_tenant_id: TenantId;
}

/** What `PairingStore.ask` promises, in this transaction. */
export async function keepAsk(
  sql: Sql,
  actor: AccountActor | DeviceActor,
  ask: AskToKeep,
  byRule: boolean,
): Promise<Awaited<ReturnType<PairingStore['ask']>>> {
  const { networkId, sourceId, targetId, nowMs } = ask;
  const [sides, [known], [opposite]] = await Promise.all([
    sql<Sides[]>`
      SELECT * FROM pairing_sides(${networkId}, ${sourceId}, ${targetId}) WHERE source_tenant_id = ${actor.tenantId}`,
    selectPair(sql, ask, sourceId, targetId),
    selectPair(sql, ask, targetId, sourceId),
  ]);
  const [members] = sides;
  if (members === undefined) return null;
  const before = known === undefined ? null : toPairing(known);
  if (before !== null && isStanding(before, nowMs)) return { pairing: before, isNew: false };
  // What the target's side took away, its side alone gives back.
  const isTaken = before !== null && (before.blockedBy === 'target' || isNarrowed(before));
  const isAllowed = byRule && !isTaken && opposite?.blocked_by !== 'source';
  const pairing = await keep(sql, ask, members, { isAllowed, isTaken });
  return pairing === undefined ? null : { pairing: toPairing(pairing), isNew: true };
}

/** Locked, so that two questions at the same time are one. */
function selectPair(sql: Sql, { networkId }: AskToKeep, sourceId: string, targetId: string) {
  return sql<PairingRow[]>`
    SELECT * FROM pairings WHERE network_id = ${networkId} AND source_id = ${sourceId} AND target_id = ${targetId} FOR UPDATE`;
}

/** Its revisions begin at the time, so that they rise also where an earlier one of the two devices was removed. */
async function keep(
  sql: Sql,
  { id, networkId, sourceId, targetId, operations, reason, waitMs, nowMs }: AskToKeep,
  members: Sides,
  { isAllowed, isTaken }: { readonly isAllowed: boolean; readonly isTaken: boolean },
): Promise<PairingRow | undefined> {
  const now = new Date(nowMs);
  const [row] = await sql<PairingRow[]>`
    INSERT INTO pairings (id, network_id, tenant_id, source_id, source_tenant_id, target_id, target_tenant_id, state,
      decided_by, reason, operations, created_at, asked_until, decided_at,
      revision)
    VALUES (${id}, ${networkId}, ${members.tenant_id}, ${sourceId}, ${members.source_tenant_id}, ${targetId},
      ${members.target_tenant_id}, ${isAllowed ? 'allowed' : 'asked'}, ${isAllowed ? 'rule' : null}, ${reason},
      ${operations === null ? null : [...operations]}::text[], ${now}, ${new Date(nowMs + waitMs)}, ${isAllowed ? now : null}, ${nowMs})
    ON CONFLICT ON CONSTRAINT pairings_one_for_two DO UPDATE SET
      id = EXCLUDED.id, state = EXCLUDED.state, decided_by = EXCLUDED.decided_by, reason = EXCLUDED.reason,
      operations = EXCLUDED.operations, created_at = EXCLUDED.created_at, asked_until = EXCLUDED.asked_until,
      decided_at = EXCLUDED.decided_at, until_at = NULL, once = false, used_by = NULL,
      blocked_by = CASE WHEN ${isAllowed} THEN NULL
        WHEN ${isTaken} THEN 'target' ELSE pairings.blocked_by END,
      revision = pairings.revision + 1
    RETURNING *`;
  return row;
}
