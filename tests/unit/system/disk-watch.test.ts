import { beforeEach, describe, expect, it } from 'vitest';
import { createDiskWatch } from '../../../server/platform/system/disk-watch.ts';
import { FakeClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';

describe('the watch over a disk', () => {
  let freeBytes: number | null;
  let fails: boolean;
  let clock: FakeClock;

  beforeEach(() => {
    freeBytes = 1_000;
    fails = false;
    clock = new FakeClock();
  });

  const create = (folder: string | null = '/data') =>
    createDiskWatch(
      { folder, reserveBytes: 1_000 },
      {
        clock,
        logger: silentLogger,
        readFreeBytes: async () => {
          if (fails) throw new Error('gone');
          return freeBytes;
        },
      },
    );
  const hasRoom = (watch: ReturnType<typeof create>) => {
    try {
      watch.requireRoom();
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'storage_full', kind: 'unavailable' });
      return false;
    }
  };
  const nextLook = async () => {
    clock.advance(500);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };

  it('has room until less than the reserve is free, and again when a quarter more is', async () => {
    const watch = create();
    await watch.start();
    expect(hasRoom(watch)).toBe(true);
    const seen: boolean[] = [];
    for (const free of [999, 1_000, 1_249, 1_250, 1_000, 999]) {
      freeBytes = free;
      await nextLook();
      seen.push(hasRoom(watch));
    }
    expect(seen).toEqual([false, false, false, true, true, false]);
    expect(watch.freeBytes).toBe(999);
  });

  it('keeps what it knows while nobody can look, and has room where the file system does not say', async () => {
    freeBytes = 0;
    const watch = create();
    await watch.start();
    fails = true;
    await nextLook();
    expect(hasRoom(watch)).toBe(false);
    fails = false;
    freeBytes = null;
    await nextLook();
    expect(hasRoom(watch)).toBe(true);
  });

  it('looks no more when it was stopped, and never where there is no folder of ours', async () => {
    const watch = create();
    await watch.start();
    await watch.stop();
    const other = create(null);
    freeBytes = 0;
    await other.start();
    await nextLook();
    expect([clock.pending, hasRoom(watch), hasRoom(other)]).toEqual([0, true, true]);
  });
});
