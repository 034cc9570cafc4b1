import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { geteuid } from 'node:process';
import { StartError } from '../../kernel/start-error.ts';
import { makeFolder } from '../files/durable.ts';

/**
 * Creates the folder that holds all the server keeps, and gives its absolute path. For its owner only; run as root,
 * others may pass through it (but not list it), because the database runs as another user and lives inside.
 * Refuses with StartError a path where the server can't write.
 */
export async function prepareDataDirectory(path: string): Promise<string> {
  const directory = resolve(path);
  try {
    await stat(directory).then(
      (found) => found.isDirectory() || Promise.reject(new Error('it is not a folder')),
      () => false,
    );
    makeFolder(directory, geteuid?.() === 0 ? 0o711 : 0o700);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(
      `The data directory ${directory} can't be used: ${reason}. ` +
        'Make it writable for this user, or name another one in YGGDRASIL_DATA_DIR.',
      cause,
    );
  }
  return directory;
}
