import type { Database, Sql } from '../../kernel/database.ts';
import type { RelayStore } from './ports.ts';
import { tenantOf } from './rules.ts';
import type { FrameToStore, StreamState } from './types.ts';

type Offset = { streamOffset: number; duplicate: boolean };

const frameKey = (sourceId: string, frameId: string) => sourceId + frameId;

/** Offsets of those frames that their sources stored before. */
async function findStored(sql: Sql, frames: readonly FrameToStore[]): Promise<Map<string, number>> {
  // LATERAL with LIMIT looks each frame up by the index. Joined freely, a plan made while the table was empty would go
  // through all of it for every frame.
  const rows = await sql<{ source_id: string; frame_id: string; stream_offset: bigint }[]>`
    SELECT wanted.source_id, wanted.frame_id, found.stream_offset
    FROM unnest(
        ${frames.map(({ peer }) => peer.actor.deviceId)}::uuid[],
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
  for (const { networkId, peer } of frames) {
    const stream = streams.get(networkId);
    if (stream !== undefined) stream.head++;
    else {
      streams.set(networkId, {
        network_id: networkId,
        tenant_id: tenantOf(peer, networkId),
        epoch: epochs(),
        head: 1,
      });
    }
  }
  const sorted = [...streams.values()].sort((a, b) => (a.network_id < b.network_id ? -1 : 1));
  const rows = await sql<{ network_id: string; head: bigint }[]>`
    INSERT INTO relay_streams ${sql(sorted)}
    ON CONFLICT (network_id) DO UPDATE SET head = relay_streams.head + EXCLUDED.head
    RETURNING network_id, head`;
  return new Map(
    rows.map((row) => [row.network_id, Number(row.head) - (streams.get(row.network_id)?.head ?? 0)] as const),
  );
}

async function saveNonces(
  sql: Sql,
  nonces: readonly { tenantId: string; deviceId: string; lastNonce: number }[],
): Promise<void> {
  const highest = new Map<string, { device_id: string; tenant_id: string; last_nonce: number }>();
  for (const { tenantId, deviceId, lastNonce } of nonces) {
    const known = highest.get(deviceId);
    if (known !== undefined && known.last_nonce >= lastNonce) continue;
    highest.set(deviceId, { device_id: deviceId, tenant_id: tenantId, last_nonce: lastNonce });
  }
  const sorted = [...highest.values()].sort((a, b) => (a.device_id < b.device_id ? -1 : 1));
  if (sorted.length === 0) return;
  // Arrays, because a statement has 65,534 parameters at most.
  await sql`
    INSERT INTO relay_nonces (device_id, tenant_id, last_nonce)
    SELECT * FROM unnest(
      ${sorted.map((row) => row.device_id)}::uuid[],
      ${sorted.map((row) => row.tenant_id)}::uuid[],
      ${sorted.map((row) => row.last_nonce)}::bigint[])
    ON CONFLICT (device_id) DO UPDATE SET last_nonce = greatest(relay_nonces.last_nonce, EXCLUDED.last_nonce)`;
}

async function beginStream(sql: Sql, tenantId: string, networkId: string, epoch: string): Promise<void> {
  await sql`
    INSERT INTO relay_streams (network_id, tenant_id, epoch) VALUES (${networkId}, ${tenantId}, ${epoch})
    ON CONFLICT (network_id) DO NOTHING`;
}

/** Streams in PostgreSQL. */
export function createRelayStore(database: Database): RelayStore {
  return {
    appendFrames: (frames, storedAt, epochs) =>
      database.system('relay', async (sql) => {
        const known = await findStored(sql, frames);
        const isNew = (frame: FrameToStore) => {
          const key = frameKey(frame.peer.actor.deviceId, frame.frameId);
          if (known.has(key)) return false;
          known.set(key, 0);
          return true;
        };
        const fresh = frames.filter(isNew);
        const heads = fresh.length > 0 ? await reserveOffsets(sql, fresh, epochs) : new Map<string, number>();
        const rows = fresh.map((frame) => {
          const streamOffset = (heads.get(frame.networkId) ?? 0) + 1;
          heads.set(frame.networkId, streamOffset);
          known.set(frameKey(frame.peer.actor.deviceId, frame.frameId), streamOffset);
          return {
            network_id: frame.networkId,
            stream_offset: streamOffset,
            tenant_id: tenantOf(frame.peer, frame.networkId),
            frame_id: frame.frameId,
            source_id: frame.peer.actor.deviceId,
            destination_id: frame.destinationId,
            content: frame.content,
            stored_at: storedAt,
          };
        });
        if (rows.length > 0) await sql`INSERT INTO relay_frames ${sql(rows)}`;
        await saveNonces(
          sql,
          frames.map(({ peer, nonce }) => ({
            tenantId: peer.actor.tenantId,
            deviceId: peer.actor.deviceId,
            lastNonce: nonce,
          })),
        );
        const freshFrames = new Set(fresh);
        return frames.map((frame): Offset => {
          const streamOffset = known.get(frameKey(frame.peer.actor.deviceId, frame.frameId)) ?? 0;
          return { streamOffset, duplicate: !freshFrames.has(frame) };
        });
      }),

    readState: (peer, { networkId, tenantId, joinedAtMs }, epochs) =>
      database.system('relay', async (sql): Promise<StreamState> => {
        const { deviceId } = peer.actor;
        await beginStream(sql, tenantId, networkId, epochs());
        const [row] = await sql<{ epoch: string; head: bigint; oldest: bigint; cursor: bigint }[]>`
          SELECT epoch, head,
            coalesce((SELECT min(stream_offset) FROM relay_frames WHERE network_id = ${networkId}), head + 1)
              AS oldest,
            coalesce(
              (SELECT stream_offset FROM relay_cursors
               WHERE network_id = ${networkId} AND device_id = ${deviceId}),
              (SELECT min(stream_offset) - 1 FROM relay_frames
               WHERE network_id = ${networkId} AND stored_at >= ${new Date(joinedAtMs)}),
              head) AS cursor
          FROM relay_streams WHERE network_id = ${networkId}`;
        return {
          epoch: row?.epoch ?? '',
          head: Number(row?.head ?? 0),
          oldest: Number(row?.oldest ?? 1),
          cursor: Number(row?.cursor ?? 0),
        };
      }),

    beginCursor: ({ tenantId, deviceId }, networkId, epochs) =>
      database.system('relay', async (sql) => {
        await beginStream(sql, tenantId, networkId, epochs());
        await sql`
          INSERT INTO relay_cursors (network_id, device_id, tenant_id, stream_offset)
          SELECT network_id, ${deviceId}, tenant_id, head FROM relay_streams WHERE network_id = ${networkId}
          ON CONFLICT (network_id, device_id) DO NOTHING`;
      }),

    readPage: (tenantId, networkId, deviceId, afterOffset, limit) =>
      database.tenant(tenantId, async (sql) => {
        const rows = await sql<{ stream_offset: bigint; content: Uint8Array }[]>`
          SELECT stream_offset, content FROM relay_frames
          WHERE network_id = ${networkId} AND stream_offset > ${afterOffset}
            AND source_id <> ${deviceId} AND (destination_id IS NULL OR destination_id = ${deviceId})
          ORDER BY stream_offset LIMIT ${limit}`;
        return rows.map((row) => ({ streamOffset: Number(row.stream_offset), content: row.content }));
      }),

    findLastNonce: (deviceId) =>
      database.system('relay', async (sql) => {
        const [row] = await sql<{ last_nonce: bigint }[]>`
          SELECT last_nonce FROM relay_nonces WHERE device_id = ${deviceId}`;
        return Number(row?.last_nonce ?? 0);
      }),

    saveProgress: (cursors, nonces) =>
      database.system('relay', async (sql) => {
        if (cursors.length > 0) {
          const sorted = [...cursors].sort((a, b) =>
            a.networkId + a.deviceId < b.networkId + b.deviceId ? -1 : 1,
          );
          await sql`
            INSERT INTO relay_cursors (network_id, device_id, tenant_id, stream_offset)
            SELECT * FROM unnest(
              ${sorted.map((cursor) => cursor.networkId)}::uuid[],
              ${sorted.map((cursor) => cursor.deviceId)}::uuid[],
              ${sorted.map((cursor) => cursor.tenantId)}::uuid[],
              ${sorted.map((cursor) => cursor.streamOffset)}::bigint[])
            ON CONFLICT (network_id, device_id)
            DO UPDATE SET stream_offset = greatest(relay_cursors.stream_offset, EXCLUDED.stream_offset)`;
        }
        await saveNonces(sql, nonces);
      }),

    ...createForgetting(database),

    removeOldFrames: (storedBefore, framesMax) =>
      database.system('relay', async (sql) => {
        // Two statements, because each has an index that the other could not use.
        const old = await sql`DELETE FROM relay_frames WHERE stored_at < ${storedBefore}`;
        const surplus = await sql`
          DELETE FROM relay_frames USING relay_streams
          WHERE relay_frames.network_id = relay_streams.network_id AND stream_offset <= head - ${framesMax}`;
        return old.count + surplus.count;
      }),
  };
}

function createForgetting(database: Database): Pick<RelayStore, 'forgetCursor' | 'forgetDevice'> {
  return {
    forgetCursor: (deviceId, networkId) =>
      database.system('relay', async (sql) => {
        await sql`DELETE FROM relay_cursors WHERE network_id = ${networkId} AND device_id = ${deviceId}`;
      }),

    forgetDevice: (deviceId) =>
      database.system('relay', async (sql) => {
        await sql`DELETE FROM relay_cursors WHERE device_id = ${deviceId}`;
        await sql`DELETE FROM relay_nonces WHERE device_id = ${deviceId}`;
      }),
  };
}
