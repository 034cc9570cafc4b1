import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * Writing so that it outlasts a loss of power: the system keeps writes in memory until it is told to sync them, and the
 * name of a file, which stands in its folder, apart from its content.
 */
function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What a system answers that has no way to sync a folder, or doesn't let this user. PostgreSQL goes on as well. */
const NO_SYNC_OF_FOLDERS = ['EACCES', 'EBADF', 'EINVAL', 'EISDIR', 'EROFS'];

/** The names in a folder last from here on: what was made, renamed or removed there, by whomever. */
export function syncFolder(path: string): void {
  try {
    syncPath(path);
  } catch (error) {
    if (!NO_SYNC_OF_FOLDERS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** All files and folders below `path` last from here on; its own name when its folder is synced. */
export function syncTree(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) syncTree(below);
    else if (entry.isFile()) syncPath(below);
  }
  syncPath(path);
}

/**
 * Makes the folder, and those above it that are missing, with this mode under every umask. One that is there may have
 * been made by a process that was killed, and keeps its mode.
 */
export function makeFolder(path: string, mode: number): void {
  const made = mkdirSync(path, { recursive: true, mode });
  const first = resolve(made ?? path);
  let folder = resolve(path);
  if (made !== undefined) chmodSync(folder, mode);
  while (folder !== first) {
    folder = dirname(folder);
    chmodSync(folder, mode);
    syncFolder(folder);
  }
  syncFolder(dirname(first));
}

/**
 * Writes a file: it is there whole, or what was there before. With `ifMissing` a file that is there stays, and of two
 * writers at once one has written it; both find the same content.
 */
export function writeWhole(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode: number; readonly ifMissing?: boolean },
): void {
  const part = `${path}.${randomUUID()}`;
  try {
    writeFileSync(part, content, { mode: options.mode, flag: 'wx', flush: true });
    if (options.ifMissing) linkIfMissing(part, path);
    else renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  syncFolder(dirname(path));
}

function linkIfMissing(part: string, path: string): void {
  try {
    linkSync(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
