import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk in memory that a test can fill. */
export interface SmallDisk {
  readonly path: string;
  /** Fills it but for `freeBytes`. */
  fill(freeBytes: number): void;
  /** Gives the room back. */
  clear(): void;
  remove(): void;
}

function run(command: string, ...words: string[]): void {
  const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} (these tests need root): ${stderr}`);
}

/** Mounts a tmpfs of this size. Needs root. */
export function createSmallDisk(sizeBytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'yggdrasil-small-'));
  run('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0711`, 'yggdrasil-test', path);
  chmodSync(path, 0o711);
  const ballast = join(path, 'ballast');
  return {
    path,
    fill: (freeBytes) => {
      const { bavail, bsize } = statfsSync(path);
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - freeBytes)));
      } catch (error) {
        // Whoever lives on it took some of the room meanwhile: it is full all the same.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    clear: () => rmSync(ballast, { force: true }),
    remove: () => {
      run('umount', '--lazy', path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
