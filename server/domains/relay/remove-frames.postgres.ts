import type { Sql } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { countedBytes } from './append-frames.postgres.ts';
import { NIL_UUID } from './delivery-session.ts';
import { REMOVED_FRAMES_MAX, STORED_FRAME_BYTES } from './limits.ts';
import type { RemovedFrame } from './types.ts';

/** Runs work in a transaction of its own. */
export type Write = <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;

/** Which of a stream's frames go, and what that means for who reads it. */
type Removed = 'expired' | 'trimmed';

/** Locks a stream, so that nothing is counted beside it; false: it is gone. Always before its frames: who removes a network does it so. */
async function lockStream(sql: Sql, networkId: NetworkId): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM relay_streams WHERE network_id = ${networkId} FOR NO KEY UPDATE`;
  return rows.length > 0;
}

/** Removes these frames of a locked stream, and notes it there. */
async function removeFrames(
  sql: Sql,
  networkId: NetworkId,
  streamOffsets: readonly number[],
  why: Removed,
): Promise<void> {
  if (streamOffsets.length === 0) return;
  const rows = await sql<{ bytes: number }[]>`
    DELETE FROM relay_frames WHERE network_id = ${networkId} AND stream_offset = ANY(${[...streamOffsets]}::bigint[])
    RETURNING octet_length(content) AS bytes`;
  const bytes = rows.reduce((sum, row) => sum + countedBytes(row.bytes), 0);
  const last = streamOffsets.reduce((a, b) => Math.max(a, b));
  await sql`
    UPDATE relay_streams SET
      stored_bytes = stored_bytes - ${bytes},
      expired_offset = greatest(expired_offset, ${why === 'expired' ? last : 0}),
      trimmed_offset = greatest(trimmed_offset, ${why === 'trimmed' ? last : 0})
    WHERE network_id = ${networkId}`;
}

const offsetsOf = (rows: readonly { stream_offset: bigint }[]) =>
  rows.map((row) => Number(row.stream_offset));

/** Streams with frames past their age, or with more than `framesMax`. A stream's first frame is its oldest. */
async function findTooOld(sql: Sql, storedBeforeMs: number, framesMax: number): Promise<NetworkId[]> {
  const rows = await sql<{ network_id: NetworkId }[]>`
    SELECT network_id FROM relay_streams
    WHERE stored_bytes > 0 AND (expired_offset < head - ${framesMax}
      OR (SELECT stored_at FROM relay_frames WHERE relay_frames.network_id = relay_streams.network_id
        ORDER BY stream_offset LIMIT 1) < ${new Date(storedBeforeMs)})`;
  return rows.map((row) => row.network_id);
}

/**
 * Those of a stream's frames from one device to another that the other one has not acknowledged. Whoever belongs to the network has
 * a cursor; groups have none.
 */
async function selectUndelivered(
  sql: Sql,
  networkId: NetworkId,
  streamOffsets: readonly number[],
): Promise<RemovedFrame[]> {
  const rows = await sql<
    { tenant_id: TenantId; frame_id: string; source_id: DeviceId; destination_id: DeviceId }[]
  >`
    SELECT relay_frames.tenant_id, frame_id, source_id, destination_id FROM relay_frames
      JOIN relay_cursors ON relay_cursors.network_id = relay_frames.network_id
        AND relay_cursors.device_id = relay_frames.destination_id
    WHERE relay_frames.network_id = ${networkId} AND relay_frames.stream_offset = ANY(${[...streamOffsets]}::bigint[])
      AND source_id <> ${NIL_UUID} AND relay_cursors.stream_offset < relay_frames.stream_offset`;
  return rows.map((row) => ({
    networkId,
    tenantId: row.tenant_id,
    frameId: row.frame_id,
    sourceId: row.source_id,
    destinationId: row.destination_id,
  }));
}

/** Frames that were removed. */
interface Removal {
  readonly count: number;
  readonly undelivered: readonly RemovedFrame[];
}

/** Removes the oldest of a stream's frames that are past their age or its length. */
async function removeTooOld(
  sql: Sql,
  networkId: NetworkId,
  storedBeforeMs: number,
  framesMax: number,
): Promise<Removal> {
  if (!(await lockStream(sql, networkId))) return { count: 0, undelivered: [] };
  const rows = await sql<{ stream_offset: bigint }[]>`
    SELECT stream_offset FROM relay_frames JOIN relay_streams USING (network_id)
    WHERE network_id = ${networkId}
      AND (stream_offset <= head - ${framesMax} OR stored_at < ${new Date(storedBeforeMs)})
    ORDER BY stream_offset LIMIT ${REMOVED_FRAMES_MAX}`;
  const undelivered = await selectUndelivered(sql, networkId, offsetsOf(rows));
  await removeFrames(sql, networkId, offsetsOf(rows), 'expired');
  // Of what was too much some may have gone before, when everybody had acknowledged it.
  if (rows.length < REMOVED_FRAMES_MAX) {
    await sql`
      UPDATE relay_streams SET expired_offset = head - ${framesMax}
      WHERE network_id = ${networkId} AND expired_offset < head - ${framesMax}`;
  }
  return { count: rows.length, undelivered };
}

/**
 * Removes frames past their age and those beyond a stream's length, a part of one stream in each transaction. How many. `tell`
 * gets those that their destinations never had.
 */
export async function removeOldFrames(
  write: Write,
  storedBeforeMs: number,
  framesMax: number,
  tell: (frames: readonly RemovedFrame[]) => void = () => undefined,
): Promise<number> {
  const networkIds = await write((sql) => findTooOld(sql, storedBeforeMs, framesMax));
  let removed = 0;
  for (const networkId of networkIds) {
    let removal: Removal;
    do {
      removal = await write((sql) => removeTooOld(sql, networkId, storedBeforeMs, framesMax));
      removed += removal.count;
      tell(removal.undelivered);
    } while (removal.count === REMOVED_FRAMES_MAX);
  }
  return removed;
}

/** Who belongs to a network. */
export interface NetworkReaders {
  selectReaders(sql: Sql, networkId: NetworkId): Promise<readonly string[]>;
}

/** Who reads what is said to groups of a network. */
export interface GroupReaders {
  selectMembers(
    sql: Sql,
    networkId: NetworkId,
  ): Promise<
    readonly { readonly groupId: string; readonly deviceId: DeviceId; readonly joinedOffset: number }[]
  >;
}

/** Who reads a network's stream. */
export interface StreamReaders {
  readonly memberships: NetworkReaders;
  readonly groups: GroupReaders;
}

/**
 * The oldest frames of the stream that all whom they are for have acknowledged. A device has read up to before the first
 * frame behind its cursor that is for it.
 */
async function selectAcknowledged(
  sql: Sql,
  networkId: NetworkId,
  { memberships, groups }: StreamReaders,
): Promise<number[]> {
  const readers = await memberships.selectReaders(sql, networkId);
  const members = await groups.selectMembers(sql, networkId);
  const rows = await sql<{ stream_offset: bigint }[]>`
    WITH reader AS (
      SELECT member.device_id, coalesce(stream_offset, 0) AS cursor
      FROM unnest(${[...readers]}::uuid[]) AS member (device_id)
        LEFT JOIN relay_cursors ON network_id = ${networkId} AND relay_cursors.device_id = member.device_id
    ), unread AS (
      SELECT min((SELECT min(stream_offset) FROM relay_frames
        WHERE network_id = ${networkId} AND stream_offset > reader.cursor AND source_id <> reader.device_id
          AND (destination_id IS NULL OR destination_id = reader.device_id))) AS first
      FROM reader
    ), receiver AS (
      SELECT device_id AS destination_id, device_id, cursor, 0 AS joined_offset FROM reader
      UNION ALL
      SELECT group_id, reader.device_id, cursor, joined_offset
      FROM unnest(
          ${members.map(({ groupId }) => groupId)}::uuid[],
          ${members.map(({ deviceId }) => deviceId)}::uuid[],
          ${members.map(({ joinedOffset }) => joinedOffset)}::bigint[]) AS member (group_id, device_id, joined_offset)
        JOIN reader USING (device_id)
    )
    SELECT stream_offset FROM relay_frames
    WHERE network_id = ${networkId} AND CASE WHEN destination_id IS NULL
      THEN stream_offset < coalesce((SELECT first FROM unread), ${Number.MAX_SAFE_INTEGER})
      ELSE NOT EXISTS (SELECT FROM receiver
        WHERE receiver.destination_id = relay_frames.destination_id AND receiver.device_id <> relay_frames.source_id
          AND receiver.joined_offset < stream_offset AND receiver.cursor < stream_offset) END
    ORDER BY stream_offset LIMIT ${REMOVED_FRAMES_MAX}`;
  return offsetsOf(rows);
}

/** Removes what is acknowledged from the streams of a tenant, a part of each in one transaction. True: there may be more. */
export async function removeAcknowledged(
  write: Write,
  tenantId: TenantId,
  readers: StreamReaders,
): Promise<boolean> {
  const streams = await write(
    (sql) => sql<{ network_id: NetworkId }[]>`
      SELECT network_id FROM relay_streams WHERE tenant_id = ${tenantId} AND stored_bytes >= ${STORED_FRAME_BYTES}
      ORDER BY stored_bytes DESC`,
  );
  let isMore = false;
  for (const { network_id: networkId } of streams) {
    const removed = await write(async (sql) => {
      if (!(await lockStream(sql, networkId))) return 0;
      const offsets = await selectAcknowledged(sql, networkId, readers);
      await removeFrames(sql, networkId, offsets, 'trimmed');
      return offsets.length;
    });
    isMore ||= removed === REMOVED_FRAMES_MAX;
  }
  return isMore;
}
