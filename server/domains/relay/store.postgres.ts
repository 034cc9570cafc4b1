import { ReplayWindow, type ReplayWindowContent } from '../../../proto/replay-window.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { NodeLease } from '../../kernel/lease.ts';
import { relayError } from './errors.ts';
import { APPEND_ATTEMPTS_MAX } from './limits.ts';
import type { Cursor, NetworkDevice, RelayStore, SourceNonces, StreamOwner } from './ports.ts';
import type {
  FrameToStore,
  Membership,
  RefusedFrame,
  StoredFrame,
  StoreOutcome,
  StreamState,
} from './types.ts';

const frameKey = (sourceId: string, frameId: string) => sourceId + frameId;

/** Who belongs to a network, asked in a transaction of the relay. */
export interface NetworkMembers {
  /** Those of the devices that belong to their networks. */
  selectMembers(sql: Sql, devices: readonly NetworkDevice[]): Promise<readonly NetworkDevice[]>;
}

/** Offsets of those frames that their sources stored before. */
async function findStored(sql: Sql, frames: readonly FrameToStore[]): Promise<Map<string, number>> {
  // LATERAL with LIMIT looks each frame up by the index. Joined freely, a plan made while the table was empty would go
  // through all of it for every frame.
  const rows = await sql<{ source_id: string; frame_id: string; stream_offset: bigint }[]>`
    SELECT wanted.source_id, wanted.frame_id, found.stream_offset
    FROM unnest(
        ${frames.map(({ sourceId }) => sourceId)}::uuid[],
        ${frames.map(({ frameId }) => frameId)}::uuid[]) AS wanted (source_id, frame_id),
      LATERAL (SELECT stream_offset FROM relay_frames
        WHERE relay_frames.source_id = wanted.source_id AND relay_frames.frame_id = wanted.frame_id LIMIT 1) AS found`;
  return new Map(
    rows.map((row) => [frameKey(row.source_id, row.frame_id), Number(row.stream_offset)] as const),
  );
}

/** Moves each network's head on by its number of new frames, in the order of ids, and gives the old heads. */
async function reserveOffsets(
  sql: Sql,
  frames: readonly FrameToStore[],
  epochs: () => string,
): Promise<Map<string, number>> {
  const streams = new Map<string, { network_id: string; tenant_id: string; epoch: string; head: number }>();
  for (const { networkId, tenantId } of frames) {
    const stream = streams.get(networkId);
    if (stream !== undefined) stream.head++;
    else {
      streams.set(networkId, {
        network_id: networkId,
        tenant_id: tenantId,
        epoch: epochs(),
        head: 1,
      });
    }
  }
  const sorted = [...streams.values()].sort((a, b) => (a.network_id < b.network_id ? -1 : 1));
  const rows = await sql<{ network_id: string; head: bigint }[]>`
    INSERT INTO relay_streams (network_id, tenant_id, epoch, head)
    SELECT * FROM unnest(
      ${sorted.map((stream) => stream.network_id)}::uuid[],
      ${sorted.map((stream) => stream.tenant_id)}::uuid[],
      ${sorted.map((stream) => stream.epoch)}::uuid[],
      ${sorted.map((stream) => stream.head)}::bigint[])
    ON CONFLICT (network_id) DO UPDATE SET head = relay_streams.head + EXCLUDED.head
    RETURNING network_id, head`;
  return new Map(
    rows.map((row) => [row.network_id, Number(row.head) - (streams.get(row.network_id)?.head ?? 0)] as const),
  );
}

/** The nonces of these frames, of each source together. */
function noncesOf(frames: readonly FrameToStore[]): SourceNonces[] {
  const sources = new Map<DeviceId, { tenantId: TenantId; window: ReplayWindow }>();
  for (const { sourceId, sourceTenantId, nonce, isRepetition } of frames) {
    if (isRepetition) continue;
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
async function saveNonces(sql: Sql, nonces: readonly SourceNonces[]): Promise<void> {
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

async function findNonces(sql: Sql, deviceId: DeviceId): Promise<ReplayWindowContent> {
  const [row] = await sql<{ last_nonce: bigint; recent: string }[]>`
    SELECT last_nonce, recent::text FROM relay_nonces WHERE device_id = ${deviceId}`;
  const bits = row?.recent ?? '';
  let recent = '';
  for (let start = 0; start < bits.length; start += 4) {
    recent += Number.parseInt(bits.slice(start, start + 4), 2).toString(16);
  }
  return { lastNonce: Number(row?.last_nonce ?? 0), recent };
}

async function beginStream(sql: Sql, tenantId: string, networkId: string, epoch: string): Promise<void> {
  await sql`
    INSERT INTO relay_streams (network_id, tenant_id, epoch) VALUES (${networkId}, ${tenantId}, ${epoch})
    ON CONFLICT (network_id) DO NOTHING`;
}

/**
 * Those of the frames whose source doesn't belong to their network, or not any more, and those whose destination doesn't:
 * with what they are refused.
 */
async function findRefused(
  sql: Sql,
  frames: readonly FrameToStore[],
  memberships: NetworkMembers,
): Promise<Map<FrameToStore, RefusedFrame['reason']>> {
  const asked = new Map<string, NetworkDevice>();
  for (const { networkId, sourceId, destinationId, destinationUnknown } of frames) {
    asked.set(networkId + sourceId, { networkId, deviceId: sourceId });
    if (destinationUnknown && destinationId !== null)
      asked.set(networkId + destinationId, { networkId, deviceId: destinationId });
  }
  const members = await memberships.selectMembers(sql, [...asked.values()]);
  const known = new Set(members.map(({ networkId, deviceId }) => networkId + deviceId));
  const refused = new Map<FrameToStore, RefusedFrame['reason']>();
  for (const frame of frames) {
    const { networkId, sourceId, destinationId, destinationUnknown } = frame;
    if (!known.has(networkId + sourceId)) refused.set(frame, 'network_not_found');
    else if (destinationUnknown && !known.has(networkId + destinationId))
      refused.set(frame, 'frame_destination_unknown');
  }
  return refused;
}

/** True when a network was removed between the look at its members and the write into its stream. */
function isNetworkGone(error: unknown): boolean {
  const { code, table_name: table } = error as { code?: string; table_name?: string };
  return code === '23503' && table === 'relay_streams';
}

/** The network was removed at this moment. */
function refuseIfGone(error: unknown): never {
  throw isNetworkGone(error) ? relayError('network_not_found', { cause: error }) : error;
}

/** Writes frames that are not in their streams yet, behind the offsets in `heads`; `offsets` gets theirs. */
async function insertFrames(
  sql: Sql,
  frames: readonly FrameToStore[],
  storedAtMs: number,
  heads: Map<string, number>,
  offsets: Map<string, number>,
): Promise<void> {
  const streamOffsets = frames.map((frame) => {
    const streamOffset = (heads.get(frame.networkId) ?? 0) + 1;
    heads.set(frame.networkId, streamOffset);
    offsets.set(frameKey(frame.sourceId, frame.frameId), streamOffset);
    return streamOffset;
  });
  // Content as base64, because the client can't send arrays of bytes.
  await sql`
    INSERT INTO relay_frames
      (network_id, stream_offset, tenant_id, frame_id, source_id, destination_id, content, stored_at)
    SELECT network_id, stream_offset, tenant_id, frame_id, source_id, destination_id,
      decode(content, 'base64'), ${new Date(storedAtMs)}::timestamptz
    FROM unnest(
      ${frames.map(({ networkId }) => networkId)}::uuid[],
      ${streamOffsets}::bigint[],
      ${frames.map(({ tenantId }) => tenantId)}::uuid[],
      ${frames.map(({ frameId }) => frameId)}::uuid[],
      ${frames.map(({ sourceId }) => sourceId)}::uuid[],
      ${frames.map(({ destinationId }) => destinationId)}::uuid[],
      ${frames.map(({ content }) => Buffer.from(content).toString('base64'))}::text[])
      AS frame (network_id, stream_offset, tenant_id, frame_id, source_id, destination_id, content)`;
}

async function appendFrames(
  sql: Sql,
  frames: readonly FrameToStore[],
  storedAtMs: number,
  epochs: () => string,
  memberships: NetworkMembers,
): Promise<readonly StoreOutcome[]> {
  const refused = await findRefused(sql, frames, memberships);
  const offsets = await findStored(sql, frames);
  const fresh = new Set<FrameToStore>();
  for (const frame of frames) {
    const key = frameKey(frame.sourceId, frame.frameId);
    if (refused.has(frame) || offsets.has(key)) continue;
    if (frame.isRepetition) {
      refused.set(frame, 'frame_replayed');
      continue;
    }
    // Its offset comes below; a second frame of this id in the batch is a repetition.
    offsets.set(key, 0);
    fresh.add(frame);
  }
  if (fresh.size > 0) {
    const heads = await reserveOffsets(sql, [...fresh], epochs);
    await insertFrames(sql, [...fresh], storedAtMs, heads, offsets);
  }
  await saveNonces(sql, noncesOf(frames));
  return frames.map((frame): StoreOutcome => {
    const reason = refused.get(frame);
    if (reason !== undefined) return { kind: 'refused', reason };
    const streamOffset = offsets.get(frameKey(frame.sourceId, frame.frameId)) ?? 0;
    return { kind: 'stored', streamOffset, duplicate: !fresh.has(frame) };
  });
}

async function readState(
  sql: Sql,
  { networkId, networkTenantId, joinedAtMs }: Membership,
  deviceId: DeviceId,
  epochs: () => string,
): Promise<StreamState> {
  await beginStream(sql, networkTenantId, networkId, epochs());
  const [row] = await sql<
    { epoch: string; head: bigint; oldest: bigint; cursor: bigint; joined_offset: bigint }[]
  >`
    SELECT epoch, head, coalesce(joined_offset, 0) AS joined_offset,
      coalesce((SELECT min(stream_offset) FROM relay_frames WHERE network_id = ${networkId}), head + 1)
        AS oldest,
      coalesce(
        relay_cursors.stream_offset,
        (SELECT min(stream_offset) - 1 FROM relay_frames
         WHERE network_id = ${networkId} AND stored_at >= ${new Date(joinedAtMs)}),
        head) AS cursor
    FROM relay_streams
      LEFT JOIN relay_cursors ON relay_cursors.network_id = ${networkId} AND device_id = ${deviceId}
    WHERE relay_streams.network_id = ${networkId}`;
  return {
    epoch: row?.epoch ?? '',
    head: Number(row?.head ?? 0),
    oldest: Number(row?.oldest ?? 1),
    cursor: Number(row?.cursor ?? 0),
    joinedOffset: Number(row?.joined_offset ?? 0),
  };
}

async function saveCursors(sql: Sql, cursors: readonly Cursor[]): Promise<void> {
  if (cursors.length === 0) return;
  const sorted = [...cursors].sort((a, b) => (a.networkId + a.deviceId < b.networkId + b.deviceId ? -1 : 1));
  await sql`
    INSERT INTO relay_cursors (network_id, device_id, tenant_id, stream_offset)
    SELECT network_id, moved.device_id, tenant_id, moved.stream_offset
    FROM unnest(
        ${sorted.map((cursor) => cursor.networkId)}::uuid[],
        ${sorted.map((cursor) => cursor.deviceId)}::uuid[],
        ${sorted.map((cursor) => cursor.tenantId)}::uuid[],
        ${sorted.map((cursor) => cursor.streamOffset)}::bigint[])
        AS moved (network_id, device_id, tenant_id, stream_offset)
      -- The network may be gone meanwhile: that must not keep the others' progress from being saved.
      JOIN relay_streams USING (network_id, tenant_id)
    ORDER BY network_id, moved.device_id
    ON CONFLICT (network_id, device_id)
    DO UPDATE SET stream_offset = greatest(relay_cursors.stream_offset, EXCLUDED.stream_offset)`;
}

async function readPage(
  sql: Sql,
  { deviceId }: DeviceActor,
  { networkId, networkTenantId }: StreamOwner,
  afterOffset: number,
  limit: number,
): Promise<StoredFrame[]> {
  const rows = await sql<{ stream_offset: bigint; content: Uint8Array }[]>`
    SELECT stream_offset, content FROM relay_frames
    WHERE tenant_id = ${networkTenantId} AND network_id = ${networkId} AND stream_offset > ${afterOffset}
      AND source_id <> ${deviceId} AND (destination_id IS NULL OR destination_id = ${deviceId})
    ORDER BY stream_offset LIMIT ${limit}`;
  return rows.map((row) => ({ streamOffset: Number(row.stream_offset), content: row.content }));
}

async function forgetDevice(sql: Sql, deviceId: DeviceId, networkId: NetworkId | null): Promise<void> {
  await sql`
    DELETE FROM relay_cursors WHERE device_id = ${deviceId}
      AND (${networkId}::uuid IS NULL OR network_id = ${networkId}::uuid)`;
  if (networkId === null) await sql`DELETE FROM relay_nonces WHERE device_id = ${deviceId}`;
}

async function removeOldFrames(sql: Sql, storedBeforeMs: number, framesMax: number): Promise<number> {
  // Two statements, because each has an index that the other could not use.
  const old = await sql`DELETE FROM relay_frames WHERE stored_at < ${new Date(storedBeforeMs)}`;
  const surplus = await sql`
    DELETE FROM relay_frames USING relay_streams
    WHERE relay_frames.network_id = relay_streams.network_id AND stream_offset <= head - ${framesMax}`;
  return old.count + surplus.count;
}

/** Streams in PostgreSQL. What is written carries the node's lease. */
export function createRelayStore(
  database: Database,
  dependencies: { readonly lease: NodeLease; readonly memberships: NetworkMembers },
): RelayStore {
  const { lease, memberships } = dependencies;
  const write = <T>(work: (sql: Sql) => Promise<T>): Promise<T> =>
    database.system('relay', async (sql) => {
      await lease.require(sql);
      return work(sql);
    });
  return {
    async appendFrames(frames, storedAtMs, epochs) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await write((sql) => appendFrames(sql, frames, storedAtMs, epochs, memberships));
        } catch (error) {
          // Nothing was written. The next look finds the removed network without members, and refuses its frames alone.
          if (!isNetworkGone(error) || attempt === APPEND_ATTEMPTS_MAX) throw error;
        }
      }
    },

    readState: (membership, deviceId, epochs) =>
      write((sql) => readState(sql, membership, deviceId, epochs)).catch(refuseIfGone),

    beginCursor: (tenantId, { networkId, deviceId }, epochs) =>
      write(async (sql) => {
        await beginStream(sql, tenantId, networkId, epochs());
        await sql`
          INSERT INTO relay_cursors (network_id, device_id, tenant_id, stream_offset, joined_offset)
          SELECT network_id, ${deviceId}, tenant_id, head, head FROM relay_streams
          WHERE network_id = ${networkId}
          ON CONFLICT (network_id, device_id) DO UPDATE SET joined_offset = EXCLUDED.joined_offset`;
      }).catch(refuseIfGone),

    readPage: (reader, network, afterOffset, limit) =>
      database.tenant(reader, (sql) => readPage(sql, reader, network, afterOffset, limit)),

    readHeads: (networkIds) =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ network_id: NetworkId; head: bigint }[]>`
          SELECT network_id, head FROM relay_streams WHERE network_id = ANY(${[...networkIds]}::uuid[])`;
        return rows.map((row) => ({ networkId: row.network_id, head: Number(row.head) }));
      }),

    findNonces: (deviceId) => database.system('relay', (sql) => findNonces(sql, deviceId)),

    saveProgress: (cursors, nonces) =>
      write(async (sql) => {
        await saveCursors(sql, cursors);
        await saveNonces(sql, nonces);
      }),

    forgetDevice: (deviceId, networkId) => write((sql) => forgetDevice(sql, deviceId, networkId)),

    removeOldFrames: (storedBeforeMs, framesMax) =>
      write((sql) => removeOldFrames(sql, storedBeforeMs, framesMax)),
  };
}
