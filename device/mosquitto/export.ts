import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { printJson, printLine } from '../node/print.ts';
import { restApi } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';
import { aclText, type BrokerUser, makePassword, passwordLine, plainName, readPasswords } from './files.ts';

/** The options of `mosquitto`. */
export interface ExportOptions extends ServerOptions {
  readonly dir: string;
  readonly serverUser: string;
  readonly json?: boolean;
}

/** mosquitto reads them as a user of its own; what is in them lets nobody in. */
const FILE_MODE = { mode: 0o644 };

interface ShownDevice {
  readonly id: string;
  readonly networkIds: readonly string[];
}

/**
 * Writes `passwords` and `acl` for a mosquitto that serves the devices of the user. Who is in `passwords` already keeps the password; who is
 * new gets one, which is shown now and never again; who is gone is gone from both.
 */
export async function exportForMosquitto(options: ExportOptions): Promise<void> {
  const serverUser = plainName(options.serverUser);
  const api = restApi(options);
  const users: BrokerUser[] = [];
  for await (const { id, networkIds } of api.list<ShownDevice>('/api/v1/devices')) {
    users.push({ deviceId: plainName(id), networkIds: networkIds.map(plainName) });
  }
  const passwordFile = join(options.dir, 'passwords');
  const known = readPasswords(existsSync(passwordFile) ? readFileSync(passwordFile, 'utf8') : '');
  const made: { user: string; password: string }[] = [];
  const lines = [serverUser, ...users.map(({ deviceId }) => deviceId)].map((user) => {
    const line = known.get(user);
    if (line !== undefined) return line;
    const password = makePassword();
    made.push({ user, password });
    return passwordLine(user, password);
  });
  writeWhole(join(options.dir, 'acl'), aclText(serverUser, users), FILE_MODE);
  // Shown before they are kept: one that nobody has seen would be good for nothing.
  if (options.json === true) printJson({ items: made });
  else for (const { user, password } of made) printLine(`${user} ${password}`);
  writeWhole(passwordFile, `${lines.join('\n')}\n`, FILE_MODE);
}
