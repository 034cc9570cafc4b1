import { inOrder, type Sql } from '../../kernel/database.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { StreamOwner } from './ports.ts';
import type { Membership, StreamState } from './types.ts';

/** A device that asks where a network's stream stands. `epoch` is the stream's if it has to be begun. */
export interface AskedState {
  readonly membership: Membership;
  readonly deviceId: DeviceId;
  readonly epoch: string;
}

/** Begins the streams that are not there yet. */
export async function beginStreams(
  sql: Sql,
  streams: readonly (StreamOwner & { readonly epoch: string })[],
): Promise<void> {
  await sql`
    INSERT INTO relay_streams (network_id, tenant_id, epoch)
    SELECT DISTINCT ON (network_id) network_id, tenant_id, epoch FROM unnest(
      ${streams.map(({ networkId }) => networkId)}::uuid[],
      ${streams.map(({ networkTenantId }) => networkTenantId)}::uuid[],
      ${streams.map(({ epoch }) => epoch)}::uuid[]) AS begun (network_id, tenant_id, epoch)
    ORDER BY network_id
    ON CONFLICT (network_id) DO NOTHING`;
}

interface StateRow {
  readonly position: bigint;
  readonly epoch: string;
  readonly head: bigint;
  readonly expired: bigint;
  readonly trimmed: bigint;
  readonly cursor: bigint;
  readonly joined_offset: bigint;
}

function selectStates(sql: Sql, asked: readonly AskedState[]) {
  return sql<StateRow[]>`
    SELECT position, epoch, head, coalesce(joined_offset, 0) AS joined_offset,
      trimmed_offset AS trimmed,
      -- What is gone without a note was lost, too.
      CASE WHEN coalesce(first.stream_offset - 1, head) > greatest(expired_offset, trimmed_offset)
        THEN coalesce(first.stream_offset - 1, head) ELSE expired_offset END AS expired,
      coalesce(
        relay_cursors.stream_offset,
        (SELECT min(stream_offset) - 1 FROM relay_frames
         WHERE relay_frames.network_id = wanted.network_id AND stored_at >= wanted.joined_at),
        head) AS cursor
    FROM unnest(
        ${asked.map(({ membership }) => membership.networkId)}::uuid[],
        ${asked.map(({ deviceId }) => deviceId)}::uuid[],
        ${asked.map(({ membership }) => new Date(membership.joinedAtMs).toISOString())}::timestamptz[])
        WITH ORDINALITY AS wanted (network_id, device_id, joined_at, position)
      JOIN relay_streams ON relay_streams.network_id = wanted.network_id
      LEFT JOIN LATERAL (
        SELECT min(stream_offset) AS stream_offset FROM relay_frames
        WHERE relay_frames.network_id = wanted.network_id) AS first ON true
      LEFT JOIN relay_cursors
        ON relay_cursors.network_id = wanted.network_id AND relay_cursors.device_id = wanted.device_id`;
}

/** Where the streams stand for those who ask, in their order. Begins streams that are not there yet. Its statements begin within the call. */
export async function readStates(sql: Sql, asked: readonly AskedState[]): Promise<StreamState[]> {
  const streams = asked.map(({ membership, epoch }) => ({ ...membership, epoch }));
  const [, rows] = await inOrder(
    () => beginStreams(sql, streams),
    () => selectStates(sql, asked),
  );
  const states = new Map(rows.map((row) => [Number(row.position), row]));
  return asked.map((_, index) => {
    const row = states.get(index + 1);
    return {
      epoch: row?.epoch ?? '',
      head: Number(row?.head ?? 0),
      oldest: Number(row?.expired ?? 0) + 1,
      trimmedOffset: Number(row?.trimmed ?? 0),
      cursor: Number(row?.cursor ?? 0),
      joinedOffset: Number(row?.joined_offset ?? 0),
    };
  });
}
