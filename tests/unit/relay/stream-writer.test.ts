import { beforeEach, describe, expect, it } from 'vitest';
import {
  BATCH_BYTES_MAX,
  BATCH_FRAMES_MAX,
  REST_MAX_MS,
  SHARED_BATCH_FRAMES_MAX,
  SHARED_BATCHES_MS,
  WAITING_BYTES_MAX,
  WAITING_FRAMES_MAX,
} from '../../../server/domains/relay/limits.ts';
import { StreamWriter } from '../../../server/domains/relay/stream-writer.ts';
import type { FrameToStore } from '../../../server/domains/relay/types.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import type { StorageRoom } from '../../../server/kernel/storage-room.ts';
import { FakeClock } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { frameToStore } from '../../support/relay-peer.ts';
import { NO_ROOM, PLENTY } from '../../support/storage-room.ts';

const frame = (number: number, bytes = 1): FrameToStore =>
  frameToStore(number, { content: new Uint8Array(bytes) });

describe('the stream writer', () => {
  let batches: number[];
  let clock: FakeClock;
  let tookMs: number;
  let stored: number[];
  let uncertain: number[];
  let seen: Map<string, number>;
  let refused: Set<string>;
  let failing: boolean;
  let room: StorageRoom;
  let withoutRoom: string[];
  let full: Set<string>;
  let writer: StreamWriter;

  beforeEach(() => {
    batches = [];
    clock = new FakeClock();
    tookMs = 0;
    stored = [];
    uncertain = [];
    seen = new Map();
    refused = new Set();
    failing = false;
    room = PLENTY;
    withoutRoom = [];
    full = new Set();
    const store = {
      appendFrames: async (frames: readonly FrameToStore[]) => {
        await new Promise((resolve) => setImmediate(resolve));
        clock.advance(tookMs);
        if (failing) throw new Error('the database is gone');
        batches.push(frames.length);
        return frames.map(({ frameId }) => {
          const known = seen.get(frameId);
          if (known !== undefined) return { kind: 'stored', streamOffset: known, duplicate: true };
          if (refused.has(frameId)) return { kind: 'refused', reason: 'frame_destination_unknown' };
          if (full.has(frameId)) return { kind: 'refused', reason: 'storage_quota_exceeded' };
          seen.set(frameId, seen.size + 1);
          return { kind: 'stored', streamOffset: seen.size, duplicate: false };
        });
      },
    };
    writer = new StreamWriter(
      {
        store: store as never,
        clock,
        random: { uuid: () => uuid(99), bytes: (length) => new Uint8Array(length), fraction: () => 0 },
        logger: silentLogger,
        metrics: { frameForwarded() {}, frameDropped() {}, batchStored() {} },
        room: { requireRoom: () => room.requireRoom() },
      },
      {
        stored: (kept) => void stored.push(...kept.map(({ streamOffset }) => streamOffset)),
        withoutRoom: (tenantId) => void withoutRoom.push(tenantId),
        uncertain: (frames) => void uncertain.push(...frames.map(({ nonce }) => nonce ?? 0)),
      },
    );
  });

  const send = (sent: FrameToStore) => writer.append(sent);

  it('stores what arrives together in one transaction, in order', async () => {
    const offsets = await Promise.all([1, 2, 3].map((number) => send(frame(number))));
    expect(offsets).toEqual([1, 2, 3]);
    expect(batches).toEqual([3]);
    expect(stored).toEqual([1, 2, 3]);
  });

  it('bounds a transaction', async () => {
    const count = BATCH_FRAMES_MAX + 1;
    await Promise.all(Array.from({ length: count }, (_, index) => send(frame(index + 1))));
    expect(batches).toEqual([BATCH_FRAMES_MAX, 1]);
  });

  it('keeps transactions small while another tenant stores, and for a second after it', async () => {
    const other = asId<TenantId>(uuid(77));
    await send({ ...frame(1), sourceTenantId: other });
    const flood = (from: number) =>
      Promise.all(Array.from({ length: BATCH_FRAMES_MAX }, (_, index) => send(frame(from + index))));
    await flood(2);
    expect(Math.max(...batches)).toBe(SHARED_BATCH_FRAMES_MAX);
    clock.advance(SHARED_BATCHES_MS);
    await flood(10_000);
    expect(Math.max(...batches)).toBe(BATCH_FRAMES_MAX);
  });

  /** What the writer stores when nothing but the clock's next timer, if any, goes on. */
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('leaves the time that one tenant takes to others for as long again, until they store', async () => {
    const other = asId<TenantId>(uuid(77));
    await send({ ...frame(1), sourceTenantId: other });
    tookMs = 5;
    void Promise.all(
      Array.from({ length: 3 * SHARED_BATCH_FRAMES_MAX }, (_, index) => send(frame(2 + index))),
    );
    await settle();
    expect(batches).toEqual([1, SHARED_BATCH_FRAMES_MAX]);
    clock.advance(4);
    await settle();
    expect(batches).toHaveLength(2);
    clock.advance(1);
    await settle();
    expect(batches).toHaveLength(3);
    await send({ ...frame(9_000), sourceTenantId: other });
    expect(batches).toHaveLength(4);
    await writer.drain();
    expect(batches).toHaveLength(5);
  });

  it('lets nobody rest because the disk was slow, and nobody who is alone', async () => {
    tookMs = 10_000;
    const alone = Promise.all(
      Array.from({ length: 3 * BATCH_FRAMES_MAX }, (_, index) => send(frame(index + 1))),
    );
    await alone;
    tookMs = REST_MAX_MS * 2;
    await send({ ...frame(8_000), sourceTenantId: asId<TenantId>(uuid(77)) });
    void Promise.all(
      Array.from({ length: 2 * SHARED_BATCH_FRAMES_MAX }, (_, index) => send(frame(10_000 + index))),
    );
    await settle();
    const [before] = [batches.length];
    clock.advance(REST_MAX_MS);
    await settle();
    expect(batches.length).toBe(before + 1);
  });

  it('bounds the bytes of a transaction, but for one frame', async () => {
    await Promise.all([1, 2, 3].map((number) => send(frame(number, BATCH_BYTES_MAX / 2))));
    expect(batches).toEqual([2, 1]);
  });

  it('says whose frames found no room, and refuses these alone', async () => {
    const [first, second] = [frame(1), frame(2)];
    full.add(first.frameId);
    const sent = [send(first), send(second)];
    await expect(sent[0]).rejects.toMatchObject({ code: 'storage_quota_exceeded', kind: 'rate_limited' });
    await expect(sent[1]).resolves.toBe(1);
    expect(withoutRoom).toEqual([first.tenantId]);
  });

  it('takes nothing while the disk is full, but finds what is kept', async () => {
    await send(frame(1));
    room = NO_ROOM;
    await expect(send(frame(2))).rejects.toMatchObject({ code: 'storage_full', kind: 'unavailable' });
    await expect(send({ ...frame(1), isRepetition: true })).resolves.toBe(1);
    expect(batches).toEqual([1, 1]);
  });

  it('delivers before it acknowledges', async () => {
    const acknowledged = await send(frame(1));
    expect(stored).toEqual([acknowledged]);
  });

  it('gives a repeated frame its old offset and does not deliver it again', async () => {
    await send(frame(1));
    await send(frame(2));
    expect(await send(frame(1))).toBe(1);
    expect(stored).toEqual([1, 2]);
  });

  it('refuses all frames of a transaction that failed, and goes on', async () => {
    failing = true;
    const outcomes = await Promise.allSettled([send(frame(1)), send(frame(2))]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    }
    expect([stored, uncertain]).toEqual([[], [1, 2]]);
    failing = false;
    room = PLENTY;
    expect(await send(frame(3))).toBe(1);
  });

  it('stores what tenants send in turn, whoever has how much waiting', async () => {
    const busy = Array.from({ length: 3 * BATCH_FRAMES_MAX }, (_, index) => send(frame(index + 1)));
    const quiet = send({ ...frame(9_000), sourceTenantId: asId<TenantId>(uuid(9)) });
    expect(await quiet).toBe(2);
    await Promise.all(busy);
    expect(stored).toHaveLength(busy.length + 1);
  });

  it('refuses what a tenant has waiting past its share, and nobody else for its sake', async () => {
    const outcomes = Promise.allSettled(
      Array.from({ length: WAITING_FRAMES_MAX }, (_, index) => send(frame(index + 1))),
    );
    await send({ ...frame(90_000), sourceTenantId: asId<TenantId>(uuid(9)) });
    const refusals = (await outcomes).filter(({ status }) => status === 'rejected');
    expect(refusals).toHaveLength(WAITING_FRAMES_MAX / 2);
  });

  it('refuses more than may wait', async () => {
    const first = send(frame(1, WAITING_BYTES_MAX));
    await expect(send(frame(2))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await first).toBe(1);
    expect(await send(frame(3))).toBe(2);
  });

  it('refuses a frame whose destination is not of the network, and no other of its transaction', async () => {
    refused.add(frame(2).frameId);
    const outcomes = await Promise.allSettled([send(frame(1)), send(frame(2)), send(frame(3))]);
    expect(outcomes).toMatchObject([
      { value: 1 },
      { status: 'rejected', reason: { code: 'frame_destination_unknown' } },
      { value: 2 },
    ]);
    expect(stored).toEqual([1, 2]);
  });

  it('has nothing waiting after drain', async () => {
    for (let number = 1; number <= 5; number++) void send(frame(number));
    await writer.drain();
    expect(stored).toEqual([1, 2, 3, 4, 5]);
  });
});
