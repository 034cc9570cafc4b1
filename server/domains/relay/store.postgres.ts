import type { DeviceActor } from '../../kernel/actor.ts';
import { type Database, inOrder, type Sql, type Work, withLast } from '../../kernel/database.ts';
import { gather } from '../../kernel/gather.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { NodeLease } from '../../kernel/lease.ts';
import { appendFrames, type NetworkMembers } from './append-frames.postgres.ts';
import { relayError } from './errors.ts';
import { APPEND_ATTEMPTS_MAX, CONNECTING_MAX, PAGE_BYTES_MAX } from './limits.ts';
import { findNonces, saveNonces } from './nonces.postgres.ts';
import type { Cursor, RelayStore, StorageQuotas, StreamReading } from './ports.ts';
import { type AskedState, beginStreams, readStates } from './read-states.postgres.ts';
import {
  type GroupReaders,
  type NetworkReaders,
  removeAcknowledged,
  removeOldFrames,
} from './remove-frames.postgres.ts';
import type { StoredFrame, StreamState } from './types.ts';

/** True when a network was removed between the look at its members and the write into its stream. */
function isNetworkGone(error: unknown): boolean {
  const { code, table_name: table } = error as { code?: string; table_name?: string };
  return code === '23503' && table === 'relay_streams';
}

/** The network was removed at this moment. */
function refuseIfGone(error: unknown): never {
  throw isNetworkGone(error) ? relayError('network_not_found', { cause: error }) : error;
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
  { networkId, networkTenantId, joinedGroups = [] }: StreamReading,
  afterOffset: number,
  limit: number,
): Promise<StoredFrame[]> {
  // What is for the device itself, and for its groups from where it joined them.
  const receivers = [deviceId, ...joinedGroups.map(({ groupId }) => groupId)];
  const fromOffsets = [0, ...joinedGroups.map(({ joinedOffset }) => joinedOffset)];
  const rows = await sql<{ stream_offset: bigint; content: Uint8Array }[]>`
    SELECT stream_offset, content FROM (
      SELECT stream_offset, content, sum(octet_length(content)) OVER (ORDER BY stream_offset) - octet_length(content)
        AS bytes_before
      FROM (
        SELECT stream_offset, content FROM relay_frames
        WHERE tenant_id = ${networkTenantId} AND network_id = ${networkId} AND stream_offset > ${afterOffset}
          AND source_id <> ${deviceId} AND (destination_id IS NULL OR (destination_id = ANY (${receivers}::uuid[])
            AND stream_offset > (${fromOffsets}::bigint[])[array_position(${receivers}::uuid[], destination_id)]))
        ORDER BY stream_offset LIMIT ${limit}) AS next
      ) AS page
    WHERE bytes_before < ${PAGE_BYTES_MAX} ORDER BY stream_offset`;
  return rows.map((row) => ({ streamOffset: Number(row.stream_offset), content: row.content }));
}

async function forgetDevice(sql: Sql, deviceId: DeviceId, networkId: NetworkId | null): Promise<void> {
  await sql`
    DELETE FROM relay_cursors WHERE device_id = ${deviceId}
      AND (${networkId}::uuid IS NULL OR network_id = ${networkId}::uuid)`;
  if (networkId === null) await sql`DELETE FROM relay_nonces WHERE device_id = ${deviceId}`;
}

type Write = <T>(work: Work<T>) => Promise<T>;

/** Those who ask about a network that was removed are refused with `network_not_found`, nobody else for its sake. */
const readStatesTogether =
  (write: Write) =>
  async (asked: readonly AskedState[]): Promise<readonly (StreamState | Promise<StreamState>)[]> => {
    try {
      return await write((sql, lastly) => lastly(() => readStates(sql, asked)));
    } catch (error) {
      if (!isNetworkGone(error)) throw error;
      // Nothing was written: each asks alone.
      return asked.map(async (each) => {
        const [state] = await write((sql, lastly) => lastly(() => readStates(sql, [each]))).catch(
          refuseIfGone,
        );
        return state as StreamState;
      });
    }
  };

/** What the store of streams needs. */
interface RelayStoreDependencies {
  readonly lease: NodeLease;
  readonly memberships: NetworkMembers & NetworkReaders;
  readonly groups: GroupReaders;
}

/** Streams in PostgreSQL. What is written carries the node's lease. */
export function createRelayStore(
  database: Database,
  quotas: StorageQuotas,
  dependencies: RelayStoreDependencies,
): RelayStore {
  const { lease, memberships } = dependencies;
  const requireLease = (sql: Sql) => lease.require(sql);
  const write: Write = async (work) => (await database.system('relay', withLast(work, requireLease)))[0];
  const findNoncesTogether = gather(
    (deviceIds: readonly DeviceId[]) => database.system('relay', (sql) => findNonces(sql, deviceIds)),
    CONNECTING_MAX,
  );
  const readState = gather(readStatesTogether(write), CONNECTING_MAX);
  return {
    async appendFrames(frames, storedAtMs, epochs) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await database.system('relay', (sql, lastly) =>
            appendFrames(sql, frames, storedAtMs, epochs, { memberships, requireLease, quotas, lastly }),
          );
        } catch (error) {
          // Nothing was written. The next look finds the removed network without members, and refuses its frames alone.
          if (!isNetworkGone(error) || attempt === APPEND_ATTEMPTS_MAX) throw error;
        }
      }
    },

    readState: (membership, deviceId, epochs) => readState({ membership, deviceId, epoch: epochs() }),

    beginCursor: (tenantId, { networkId, deviceId }, epochs) =>
      write(async (sql, lastly) => {
        await lastly(() =>
          inOrder(
            () => beginStreams(sql, [{ networkId, networkTenantId: tenantId, epoch: epochs() }]),
            () => sql`
              INSERT INTO relay_cursors (network_id, device_id, tenant_id, stream_offset, joined_offset)
              SELECT network_id, ${deviceId}, tenant_id, head, head FROM relay_streams
              WHERE network_id = ${networkId}
              ON CONFLICT (network_id, device_id) DO UPDATE SET joined_offset = EXCLUDED.joined_offset`,
          ),
        );
      }).catch(refuseIfGone),

    readPage: (reader, network, afterOffset, limit) =>
      database.read(reader, (sql) => readPage(sql, reader, network, afterOffset, limit)),

    readHeads: (networkIds) =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ network_id: NetworkId; head: bigint }[]>`
          SELECT network_id, head FROM relay_streams WHERE network_id = ANY(${[...networkIds]}::uuid[])`;
        return rows.map((row) => ({ networkId: row.network_id, head: Number(row.head) }));
      }),

    findNonces: (deviceId) => findNoncesTogether(deviceId),

    saveProgress: (cursors, nonces) =>
      write(async (sql, lastly) => {
        await lastly(() => Promise.all([saveCursors(sql, cursors), saveNonces(sql, nonces)]));
      }),

    forgetDevice: (deviceId, networkId) => write((sql) => forgetDevice(sql, deviceId, networkId)),

    removeOldFrames: (storedBeforeMs, framesMax, removed) =>
      removeOldFrames(write, storedBeforeMs, framesMax, removed),

    removeAcknowledged: (tenantId) => removeAcknowledged(write, tenantId, dependencies),
  };
}
