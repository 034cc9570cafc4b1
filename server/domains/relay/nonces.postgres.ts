import { ReplayWindow, type ReplayWindowContent } from '../../../proto/replay-window.ts';
import type { Sql } from '../../kernel/database.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import type { SourceNonces } from './ports.ts';
import type { FrameToStore } from './types.ts';

/** The nonces of these frames, of each source together. */
export function noncesOf(frames: readonly FrameToStore[]): SourceNonces[] {
  const sources = new Map<DeviceId, { tenantId: TenantId; window: ReplayWindow }>();
  for (const { sourceId, sourceTenantId, nonce, isRepetition } of frames) {
    if (isRepetition || nonce === null) continue;
    let source = sources.get(sourceId);
    if (source === undefined) {
      source = { tenantId: sourceTenantId, window: new ReplayWindow() };
      sources.set(sourceId, source);
    }
    source.window.use(nonce);
  }
  return [...sources].map(([deviceId, { tenantId, window }]) => ({
    tenantId,
    deviceId,
    ...window.content(),
  }));
}

/**
 * Adds nonces to those that are saved, one row for each source. The first bit of `recent` is the last nonce: where that one
 * goes up, the others move on by as much, and those that leave the window are dropped.
 */
export async function saveNonces(sql: Sql, nonces: readonly SourceNonces[]): Promise<void> {
  if (nonces.length === 0) return;
  const sorted = [...nonces].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
  // Arrays, because a statement has 65,534 parameters at most.
  await sql`
    INSERT INTO relay_nonces AS saved (device_id, tenant_id, last_nonce, recent)
    SELECT device_id, tenant_id, last_nonce, ('x' || recent)::varbit::bit(1024)
    FROM unnest(
      ${sorted.map(({ deviceId }) => deviceId)}::uuid[],
      ${sorted.map(({ tenantId }) => tenantId)}::uuid[],
      ${sorted.map(({ lastNonce }) => lastNonce)}::bigint[],
      ${sorted.map(({ recent }) => recent)}::text[]) AS used (device_id, tenant_id, last_nonce, recent)
    ON CONFLICT (device_id) DO UPDATE SET
      last_nonce = greatest(saved.last_nonce, EXCLUDED.last_nonce),
      recent =
        (saved.recent >> least(greatest(EXCLUDED.last_nonce - saved.last_nonce, 0), 1024)::int) |
        (EXCLUDED.recent >> least(greatest(saved.last_nonce - EXCLUDED.last_nonce, 0), 1024)::int)`;
}

/** The nonces that each of these sources has used, in their order; none for one that is not known. */
export async function findNonces(sql: Sql, deviceIds: readonly DeviceId[]): Promise<ReplayWindowContent[]> {
  const rows = await sql<{ device_id: DeviceId; last_nonce: bigint; recent: string }[]>`
    SELECT device_id, last_nonce, recent::text FROM relay_nonces
    WHERE device_id = ANY(${[...deviceIds]}::uuid[])`;
  const found = new Map(rows.map((row) => [row.device_id, row]));
  return deviceIds.map((deviceId) => {
    const row = found.get(deviceId);
    return { lastNonce: Number(row?.last_nonce ?? 0), recent: digitsOf(row?.recent ?? '') };
  });
}

/** Bits as hexadecimal digits. */
function digitsOf(bits: string): string {
  let digits = '';
  for (let start = 0; start < bits.length; start += 4) {
    digits += Number.parseInt(bits.slice(start, start + 4), 2).toString(16);
  }
  return digits;
}
