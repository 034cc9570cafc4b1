import { constants, existsSync, renameSync, rmSync } from 'node:fs';
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
  /** Encrypts the keys that encrypt secrets in the database. Lost, all devices must be registered anew. */
  readonly masterKey: Uint8Array;
  /** The passwords of the embedded database's users follow from it. */
  readonly databaseSecret: string;
}

/** The secrets that are there: while the master key is rotated, or where that was cut short, there are those that come next. */
export interface SecretFiles {
  readonly current: Secrets;
  readonly next: Secrets | null;
}

const FILE_NAME = 'secrets.json';
const NEXT_FILE_NAME = 'secrets.next.json';
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

/** New ones. */
function makeSecrets(random: Random): Secrets {
  const databaseSecret = Buffer.from(random.bytes(DATABASE_SECRET_BYTES)).toString('base64url');
  return { masterKey: random.bytes(MASTER_KEY_BYTES), databaseSecret };
}

/** Writes the file whole and only if there is none: of two servers that start at once, one's secrets are kept. */
function writeSecrets(path: string, { masterKey, databaseSecret }: Secrets): void {
  const content: z.infer<typeof secretsFile> = {
    version: 1,
    masterKey: Buffer.from(masterKey).toString('base64url'),
    databaseSecret,
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
  const openFile = () => openSecrets(path);
  const file = await openFile()
    .catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      writeSecrets(path, makeSecrets(random));
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

/** As `loadSecrets`, with those that come next. */
async function loadSecretFiles(dataDirectory: string, random: Random): Promise<SecretFiles> {
  // The next ones take the place of the current ones: looked at first, they are found in one of both places.
  const next = await readNext(dataDirectory);
  return { current: await loadSecrets(dataDirectory, random), next };
}

async function readNext(dataDirectory: string): Promise<Secrets | null> {
  const path = join(dataDirectory, NEXT_FILE_NAME);
  const file = await openSecrets(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    return refuse(path, `can't be read: ${error.message}.`, error);
  });
  if (file === null) return null;
  try {
    return await readSecrets(file, path);
  } finally {
    await file.close();
  }
}

/** The secrets of a data directory, where their master key is rotated. */
export interface SecretFolder {
  /** As `loadSecrets`, with those that come next. */
  read(): Promise<SecretFiles>;
  /** Keeps secrets as those that come next. Refuses with StartError where there are some. */
  writeNext(secrets: Secrets): void;
  /** Puts the next secrets in the place of the current ones, which are gone. */
  promoteNext(): void;
  /** Removes the next secrets. */
  discardNext(): void;
}

/** The secrets of this data directory. */
export function createSecretFolder(dataDirectory: string, random: Random): SecretFolder {
  const path = join(dataDirectory, NEXT_FILE_NAME);
  return {
    read: () => loadSecretFiles(dataDirectory, random),
    writeNext(secrets) {
      if (existsSync(path)) refuse(path, 'is there: another rotation is under way.');
      writeSecrets(path, secrets);
    },
    promoteNext() {
      renameSync(path, join(dataDirectory, FILE_NAME));
      syncFolder(dataDirectory);
    },
    discardNext() {
      rmSync(path, { force: true });
      syncFolder(dataDirectory);
    },
  };
}

function openSecrets(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
}
