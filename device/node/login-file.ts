import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeFolder, writeWhole } from '../../server/platform/files/durable.ts';

/** Nobody but its owner reads it. */
const OWN_FILE = 0o600;
const OWN_FOLDER = 0o700;
/** Of a file's mode: what others may. */
const OTHERS = 0o077;

/** What `yggdrasil login` keeps: a token for each server, by the server's origin, and where it was let in last. */
export interface Logins {
  readonly current: string | null;
  readonly tokens: Readonly<Record<string, string>>;
}

const NOBODY: Logins = { current: null, tokens: {} };

/** Where it is: `YGGDRASIL_LOGIN_FILE`, else in the user's folder of settings (XDG Base Directory Specification 0.8). */
export function loginFile(): string {
  const { YGGDRASIL_LOGIN_FILE: named, XDG_CONFIG_HOME: settings } = process.env;
  if (named !== undefined && named !== '') return named;
  const folder = settings === undefined || settings === '' ? join(homedir(), '.config') : settings;
  return join(folder, 'yggdrasil', 'login.json');
}

/** What is kept; of nobody where there is no file. Throws an Error for a file that others may read, and for one that is none of ours. */
export function readLogins(): Logins {
  const path = loginFile();
  let text: string;
  try {
    if ((statSync(path).mode & OTHERS) !== 0) {
      throw new Error(`${path} can be read by others: run "chmod 600 ${path}"`);
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOBODY;
    throw error;
  }
  try {
    const { current, tokens } = JSON.parse(text) as Logins;
    const isOurs = Object.entries(tokens).every((entry) => entry.every((part) => typeof part === 'string'));
    if (isOurs && (current === null || typeof current === 'string')) return { current, tokens };
  } catch {
    // Said below.
  }
  throw new Error(`${path} is no file of "yggdrasil login": remove it`);
}

/** Keeps them, for their owner alone. */
export function writeLogins(logins: Logins): void {
  const path = loginFile();
  makeFolder(dirname(path), OWN_FOLDER);
  writeWhole(path, `${JSON.stringify(logins, null, 2)}\n`, { mode: OWN_FILE });
}
