import type { Lastly, Sql } from '../../kernel/database.ts';
import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import { NIL_UUID } from './delivery-session.ts';
import { STORED_FRAME_BYTES } from './limits.ts';
import { noncesOf, saveNonces } from './nonces.postgres.ts';
import type { NetworkDevice, StorageQuotas } from './ports.ts';
import type { FrameToStore, RefusedFrame, StoreOutcome } from './types.ts';

/** Who belongs to a network, asked in a transaction of the relay. */
export interface NetworkMembers {
  /** Those of the devices that belong to their networks. */
  selectMembers(sql: Sql, devices: readonly NetworkDevice[]): Promise<readonly NetworkDevice[]>;
}

/** What frames are written with. */
export interface AppendDependencies {
  readonly memberships: NetworkMembers;
  /** Makes sure that this node may write. */
  readonly requireLease: (sql: Sql) => Promise<void>;
  readonly quotas: StorageQuotas;
}

const frameKey = (sourceId: string, frameId: string) => sourceId + frameId;
const memberKey = (networkId: string, deviceId: string) => networkId + deviceId;

/** What a frame counts against the quotas of its network and of the tenant that owns it. */
export const countedBytes = (contentBytes: number): number => contentBytes + STORED_FRAME_BYTES;

/** The keys of those of the frames' sources, and of the destinations that are to be asked for, that belong to their networks. */
async function findMembers(
  sql: Sql,
  frames: readonly FrameToStore[],
  memberships: NetworkMembers,
): Promise<ReadonlySet<string>> {
  const asked = new Map<string, NetworkDevice>();
  for (const { networkId, sourceId, destinationId, destinationUnknown } of frames) {
    if (sourceId !== NIL_UUID) asked.set(memberKey(networkId, sourceId), { networkId, deviceId: sourceId });
    if (destinationUnknown && destinationId !== null)
      asked.set(memberKey(networkId, destinationId), { networkId, deviceId: destinationId });
  }
  const members = await memberships.selectMembers(sql, [...asked.values()]);
  return new Set(members.map(({ networkId, deviceId }) => memberKey(networkId, deviceId)));
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

/** Bytes that are kept for networks and for the tenants that own them. */
interface KeptBytes {
  readonly networks: Map<NetworkId, number>;
  readonly tenants: Map<TenantId, number>;
}

async function readKeptBytes(sql: Sql, frames: readonly FrameToStore[]): Promise<KeptBytes> {
  const networkIds = [...new Set(frames.map(({ networkId }) => networkId))];
  const tenantIds = [...new Set(frames.map(({ tenantId }) => tenantId))];
  const rows = await sql<
    { network_id: NetworkId | null; tenant_id: TenantId | null; stored_bytes: bigint }[]
  >`
    SELECT network_id, NULL AS tenant_id, stored_bytes FROM relay_streams WHERE network_id = ANY(${networkIds}::uuid[])
    UNION ALL
    SELECT NULL, tenant_id, stored_bytes FROM relay_tenants WHERE tenant_id = ANY(${tenantIds}::uuid[])`;
  const kept: KeptBytes = { networks: new Map(), tenants: new Map() };
  for (const { network_id: networkId, tenant_id: tenantId, stored_bytes: bytes } of rows) {
    if (networkId !== null) kept.networks.set(networkId, Number(bytes));
    else if (tenantId !== null) kept.tenants.set(tenantId, Number(bytes));
  }
  return kept;
}

/** Whether there is room for the frame; takes it where there is. Only this node adds to a stream, so nothing else takes it meanwhile. */
function takeRoom(frame: FrameToStore, { networks, tenants }: KeptBytes, quotas: StorageQuotas): boolean {
  const bytes = countedBytes(frame.content.length);
  const ofNetwork = (networks.get(frame.networkId) ?? 0) + bytes;
  const ofTenant = (tenants.get(frame.tenantId) ?? 0) + bytes;
  if (ofNetwork > quotas.streamBytesMax || ofTenant > quotas.tenantBytesMax) return false;
  networks.set(frame.networkId, ofNetwork);
  tenants.set(frame.tenantId, ofTenant);
  return true;
}

/** Frames of one network that are written together. */
interface StreamAddition {
  readonly networkId: NetworkId;
  readonly tenantId: TenantId;
  readonly epoch: string;
  frames: number;
  bytes: number;
}

/** What is added to each network, in the order of ids: rows are always locked in it. */
function additionsOf(frames: readonly FrameToStore[], epochs: () => string): StreamAddition[] {
  const additions = new Map<NetworkId, StreamAddition>();
  for (const { networkId, tenantId, content } of frames) {
    let addition = additions.get(networkId);
    if (addition === undefined) {
      addition = { networkId, tenantId, epoch: epochs(), frames: 0, bytes: 0 };
      additions.set(networkId, addition);
    }
    addition.frames++;
    addition.bytes += countedBytes(content.length);
  }
  return [...additions.values()].sort((a, b) => (a.networkId < b.networkId ? -1 : 1));
}

/**
 * Moves each network's head on and writes its frames behind the old one, in their order, in one statement. The new heads.
 */
async function insertFrames(
  sql: Sql,
  frames: readonly FrameToStore[],
  storedAtMs: number,
  epochs: () => string,
): Promise<Map<NetworkId, number>> {
  const additions = additionsOf(frames, epochs);
  const places = new Map(additions.map(({ networkId }, index) => [networkId, index + 1] as const));
  // Networks by their place among the additions, and content as base64: the client can't send arrays of bytes.
  const rows = await sql<{ network_id: NetworkId; head: bigint }[]>`
    WITH addition AS (
      SELECT * FROM unnest(
        ${additions.map(({ networkId }) => networkId)}::uuid[],
        ${additions.map(({ tenantId }) => tenantId)}::uuid[],
        ${additions.map(({ epoch }) => epoch)}::uuid[],
        ${additions.map((addition) => addition.frames)}::int[],
        ${additions.map(({ bytes }) => bytes)}::bigint[])
        WITH ORDINALITY AS addition (network_id, tenant_id, epoch, frames, bytes, place)
    ), moved AS (
      INSERT INTO relay_streams (network_id, tenant_id, epoch, head, stored_bytes)
      SELECT network_id, tenant_id, epoch, frames, bytes FROM addition ORDER BY place
      ON CONFLICT (network_id) DO UPDATE SET
        head = relay_streams.head + EXCLUDED.head,
        stored_bytes = relay_streams.stored_bytes + EXCLUDED.stored_bytes
      RETURNING network_id, head
    ), kept AS (
      INSERT INTO relay_frames
        (network_id, stream_offset, tenant_id, frame_id, source_id, destination_id, content, stored_at)
      SELECT network_id, head - frames + row_number() OVER (PARTITION BY frame.place ORDER BY number), tenant_id,
        frame_id, source_id, destination_id, decode(content, 'base64'), ${new Date(storedAtMs)}::timestamptz
      FROM unnest(
          ${frames.map(({ networkId }) => places.get(networkId) ?? 0)}::int[],
          ${frames.map(({ frameId }) => frameId)}::uuid[],
          ${frames.map(({ sourceId }) => sourceId)}::uuid[],
          ${frames.map(({ destinationId }) => destinationId)}::uuid[],
          ${frames.map(({ content }) => base64Of(content))}::text[])
          WITH ORDINALITY AS frame (place, frame_id, source_id, destination_id, content, number)
        JOIN addition ON addition.place = frame.place
        JOIN moved USING (network_id)
    )
    SELECT network_id, head FROM moved`;
  return new Map(rows.map((row) => [row.network_id, Number(row.head)]));
}

function base64Of({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64');
}

/** Decides what becomes of each frame: refused, stored before, or new; null for what is new. */
function judge(
  frames: readonly FrameToStore[],
  members: ReadonlySet<string>,
  stored: ReadonlyMap<string, number>,
  room: (frame: FrameToStore) => boolean,
): (StoreOutcome | null)[] {
  const underWay = new Set<string>();
  const refused = (reason: RefusedFrame['reason']): StoreOutcome => ({ kind: 'refused', reason });
  return frames.map((frame) => {
    const { networkId, sourceId, destinationId, destinationUnknown } = frame;
    const key = frameKey(sourceId, frame.frameId);
    if (sourceId !== NIL_UUID && !members.has(memberKey(networkId, sourceId)))
      return refused('network_not_found');
    if (destinationUnknown && destinationId !== null && !members.has(memberKey(networkId, destinationId)))
      return refused('frame_destination_unknown');
    const streamOffset = stored.get(key);
    if (streamOffset !== undefined) return { kind: 'stored', streamOffset, duplicate: true };
    // A second frame of this id in the batch: its offset is known when the first one has it.
    if (underWay.has(key)) return { kind: 'stored', streamOffset: 0, duplicate: true };
    if (frame.isRepetition) return refused('frame_replayed');
    if (!room(frame)) return refused('storage_quota_exceeded');
    underWay.add(key);
    return null;
  });
}

/**
 * Stores frames in order, with the nonces of their sources: what `RelayStore.appendFrames` promises, in this transaction. All
 * that is to be known is asked for at once, all that is written is sent at once with the end, so that a batch waits for the database twice.
 */
export async function appendFrames(
  sql: Sql,
  frames: readonly FrameToStore[],
  storedAtMs: number,
  epochs: () => string,
  { memberships, requireLease, quotas, lastly }: AppendDependencies & { readonly lastly: Lastly },
): Promise<readonly StoreOutcome[]> {
  const [members, stored, kept] = await Promise.all([
    findMembers(sql, frames, memberships),
    findStored(sql, frames),
    readKeptBytes(sql, frames),
    requireLease(sql),
  ]);
  const outcomes = judge(frames, members, stored, (frame) => takeRoom(frame, kept, quotas));
  const fresh = frames.filter((_, index) => outcomes[index] === null);
  // A frame without room may come again with its nonce.
  const used = frames.filter((_, index) => !isWithoutRoom(outcomes[index]));
  const [heads] = await lastly(() =>
    Promise.all([
      fresh.length === 0 ? new Map<NetworkId, number>() : insertFrames(sql, fresh, storedAtMs, epochs),
      saveNonces(sql, noncesOf(used)),
    ]),
  );
  const offsets = offsetsOf(fresh, heads);
  return frames.map((frame, index): StoreOutcome => {
    const outcome = outcomes[index];
    if (outcome?.kind === 'refused') return outcome;
    if (outcome?.kind === 'stored' && outcome.streamOffset !== 0) return outcome;
    const streamOffset = offsets.get(frameKey(frame.sourceId, frame.frameId)) ?? 0;
    return { kind: 'stored', streamOffset, duplicate: outcome !== null };
  });
}

function isWithoutRoom(outcome: StoreOutcome | null | undefined): boolean {
  return outcome?.kind === 'refused' && outcome.reason === 'storage_quota_exceeded';
}

/** The offsets of new frames: the last one of each network has the network's head. */
function offsetsOf(
  fresh: readonly FrameToStore[],
  heads: ReadonlyMap<NetworkId, number>,
): ReadonlyMap<string, number> {
  const next = new Map(heads);
  const offsets = new Map<string, number>();
  for (const { networkId, sourceId, frameId } of [...fresh].reverse()) {
    const streamOffset = next.get(networkId) ?? 0;
    offsets.set(frameKey(sourceId, frameId), streamOffset);
    next.set(networkId, streamOffset - 1);
  }
  return offsets;
}
