import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Pairing } from './types.ts';

/** A row of `pairings`. */
export interface PairingRow {
  id: string;
  network_id: NetworkId;
  tenant_id: TenantId;
  source_id: DeviceId;
  source_tenant_id: TenantId;
  target_id: DeviceId;
  target_tenant_id: TenantId;
  state: Pairing['state'];
  blocked_by: Pairing['blockedBy'];
  decided_by: Pairing['decidedBy'];
  reason: string;
  operations: string[] | null;
  until_at: Date | null;
  once: boolean;
  used_by: string | null;
  created_at: Date;
  asked_until: Date;
  decided_at: Date | null;
  revision: bigint;
}

/** A row as the pairing it is. */
export const toPairing = (row: PairingRow): Pairing => ({
  id: row.id,
  networkId: row.network_id,
  tenantId: row.tenant_id,
  sourceId: row.source_id,
  sourceTenantId: row.source_tenant_id,
  targetId: row.target_id,
  targetTenantId: row.target_tenant_id,
  state: row.state,
  blockedBy: row.blocked_by,
  decidedBy: row.decided_by,
  reason: row.reason,
  permission: { operations: row.operations, untilMs: row.until_at?.getTime() ?? null, once: row.once },
  usedBy: row.used_by,
  createdAtMs: row.created_at.getTime(),
  askedUntilMs: row.asked_until.getTime(),
  decidedAtMs: row.decided_at?.getTime() ?? null,
  revision: Number(row.revision),
});
