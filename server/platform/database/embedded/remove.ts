import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { StartError } from '../../../kernel/start-error.ts';
import { removeData } from '../../files/remove-data.ts';
import { clusterOf } from './place.ts';
import { findOccupant } from './postmaster.ts';

/**
 * Removes a data directory with its embedded database, wherever that is, and gives the paths that are gone. Refuses with
 * StartError while a server uses it.
 */
export async function removeEmbedded(dataDirectory: string): Promise<string[]> {
  const directory = resolve(dataDirectory);
  // By this path PostgreSQL was started.
  const cluster = await realpath(clusterOf(directory)).catch(() => clusterOf(directory));
  const occupant = await findOccupant(cluster);
  if (occupant.kind === 'running') {
    throw new StartError(
      `A server uses the database in ${cluster} (PostgreSQL runs in process ${occupant.processId}): stop it first.`,
    );
  }
  return removeData(directory);
}
