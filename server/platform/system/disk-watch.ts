import { statfs } from 'node:fs/promises';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type StorageRoom, storageFull } from '../../kernel/storage-room.ts';

/** Between two looks at the disk, in milliseconds: in that time no server writes as much as a reserve. */
const LOOK_INTERVAL_MS = 500;
/** So much more than the reserve must be free again, so that a disk at its limit doesn't make the server change its mind all the time. */
const EASED_SHARE = 0.25;

/** The disk of a folder, watched so that the server refuses before the disk does. */
export interface DiskWatch extends StorageRoom {
  /** Free bytes at the last look; null where the file system doesn't say. */
  readonly freeBytes: number | null;
  /** Looks now, and then again and again until `stop`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Bytes that may be written on the disk of this folder; null where the file system doesn't say. */
export async function readFreeBytes(folder: string): Promise<number | null> {
  const { bavail, bsize, blocks } = await statfs(folder);
  return blocks === 0 ? null : bavail * bsize;
}

/** A watch that says there is no room while less than `reserveBytes` are free; no folder: what is stored is not on a disk of ours. */
export function createDiskWatch(
  { folder, reserveBytes }: { readonly folder: string | null; readonly reserveBytes: number },
  dependencies: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly readFreeBytes?: (folder: string) => Promise<number | null>;
  },
): DiskWatch {
  const { clock, logger } = dependencies;
  const read = dependencies.readFreeBytes ?? readFreeBytes;
  const operation = 'server.disk';
  let freeBytes: number | null = null;
  let isFull = false;
  let stopped = false;
  let cancel = () => {};
  let looking: Promise<void> = Promise.resolve();

  const judge = () => {
    const wantedBytes = isFull ? reserveBytes * (1 + EASED_SHARE) : reserveBytes;
    const wasFull = isFull;
    isFull = freeBytes !== null && freeBytes < wantedBytes;
    if (isFull === wasFull) return;
    const fields = { operation, folder, freeBytes, reserveBytes };
    if (isFull) logger.error(fields, 'the disk is almost full: nothing more is stored until there is room');
    else logger.info(fields, 'the disk has room again');
  };
  const look = async () => {
    if (folder === null) return;
    try {
      freeBytes = await read(folder);
      judge();
    } catch (error) {
      logger.warn({ operation, folder, error }, 'the disk can not be looked at');
    }
    if (stopped) return;
    cancel = clock.after(LOOK_INTERVAL_MS, () => {
      looking = look();
    });
  };

  return {
    get freeBytes() {
      return freeBytes;
    },
    requireRoom: () => {
      if (isFull) throw storageFull();
    },
    start: () => {
      looking = look();
      return looking;
    },
    stop: async () => {
      stopped = true;
      cancel();
      await looking;
    },
  };
}
