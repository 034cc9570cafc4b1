import { constants, existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { geteuid } from 'node:process';
import { z } from 'zod';
import type { Random } from '../../kernel/random.ts';
import { StartError } from '../../kernel/start-error.ts';
import { syncFolder, writeWhole } from '../files/durable.ts';
import { MASTER_KEY_BYTES } from './secret-box.ts';

/** What the server must know and nobody else: made on its first start, kept in its data directory. */
export interface Secrets {
  /** Encrypts the signing keys of devices in the database. Lost, all devices must be registered anew. */
  readonly masterKey: Uint8Array;
  /** The passwords of the embedded database's users follow from it. */
  readonly databaseSecret: string;
}

const FILE_NAME = 'secrets.json';
const MODE = 0o600;
const DATABASE_SECRET_BYTES = 32;

const secretText = (bytes: number) =>
  z.string().refine((text) => /^[\w-]+$/.test(text) && Buffer.from(text, 'base64url').length === bytes);

const secretsFile = z.strictObject({
  version: z.literal(1),
  masterKey: secretText(MASTER_KEY_BYTES),
  databaseSecret: secretText(DATABASE_SECRET_BYTES),
  /** Some files name a node; nodes have an id of their own for each start. */
  nodeId: z.uuid().optional(),
});

const refuse = (path: string, what: string, cause?: unknown): never => {
  throw new StartError(`The secrets file ${path} ${what}`, cause);
};

async function readSecrets(file: FileHandle, path: string): Promise<Secrets> {
  const { mode, uid } = await file.stat();
  if ((mode & 0o077) !== 0) {
    refuse(
      path,
      `can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 it, and think of its secrets as known.`,
    );
  }
  if (uid !== geteuid?.()) refuse(path, `belongs to another user (uid ${uid}): run the server as them.`);
  try {
    const content = secretsFile.parse(JSON.parse(await file.readFile('utf8')));
    return {
      masterKey: Buffer.from(content.masterKey, 'base64url'),
      databaseSecret: content.databaseSecret,
    };
  } catch {
    return refuse(path, 'is damaged. Put back a copy; without it the keys of all devices are lost.');
  }
}

/** Writes the file whole and only if there is none: of two servers that start at once, one's secrets are kept. */
function createSecrets(path: string, random: Random): void {
  const text = (bytes: number) => Buffer.from(random.bytes(bytes)).toString('base64url');
  const content: z.infer<typeof secretsFile> = {
    version: 1,
    masterKey: text(MASTER_KEY_BYTES),
    databaseSecret: text(DATABASE_SECRET_BYTES),
  };
  try {
    writeWhole(path, `${JSON.stringify(content, null, 2)}\n`, { mode: MODE, ifMissing: true });
  } catch (cause) {
    refuse(path, `can't be written: ${cause instanceof Error ? cause.message : cause}.`, cause);
  }
}

/** True: a server has run with this data directory. */
export function hasSecrets(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, FILE_NAME));
}

/**
 * The secrets of this data directory; made, with mode 0600, on the first start. Refuses with StartError a file that is
 * damaged, belongs to another user or can be read by others.
 */
export async function loadSecrets(dataDirectory: string, random: Random): Promise<Secrets> {
  const path = join(dataDirectory, FILE_NAME);
  const openFile = () => open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const file = await openFile()
    .catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      createSecrets(path, random);
      return openFile();
    })
    .catch((error: Error) => {
      if (error instanceof StartError) throw error;
      return refuse(path, `can't be read: ${error.message}.`, error);
    });
  try {
    // A server that was killed may have written it and not come to this.
    syncFolder(dataDirectory);
    return await readSecrets(file, path);
  } finally {
    await file.close();
  }
}
