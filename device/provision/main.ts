import { existsSync, readFileSync, rmSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { parseCredentials } from '../client/index.ts';
import { printDone } from '../node/print.ts';
import { fetchFrom } from '../node/rest-api.ts';
import { originOf } from '../node/server-access.ts';

/** The options of `provision`. */
export interface ProvisionOptions {
  readonly deviceId: string;
  readonly credentials: string;
  readonly worldType: string;
  readonly server?: string;
  readonly json?: boolean;
  readonly key?: string;
}

/** Random bytes that only this device knows. */
const SECRET_BYTES = 32;
/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Nobody but the device's user reads its secrets. */
const OWN_FILE = 0o600;

/**
 * Registers the device and writes its credentials. Throws an InvalidArgumentError without a key, an Error for a refusal, with its
 * code. A file that is there stays: the device is registered.
 */
export async function provisionDevice(options: ProvisionOptions): Promise<void> {
  const { credentials: path, deviceId, worldType } = options;
  const key = options.key ?? process.env.YGGDRASIL_BOOTSTRAP_KEY;
  if (key === undefined) throw new InvalidArgumentError('Give --key, or YGGDRASIL_BOOTSTRAP_KEY.');
  if (existsSync(path)) {
    const { deviceId: id } = parseCredentials(readFileSync(path, 'utf8'));
    printDone(options, { deviceId: id, credentials: path }, `${path} is there: the device is registered`);
    return;
  }
  const secret = keptSecret(`${path}.secret`);
  const response = await fetchFrom(originOf(options.server), '/api/v1/device-provisioning', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key, deviceId, secret, worldType }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`The server refuses: ${response.status} ${text}`);
  const credentials = parseCredentials(text);
  writeWhole(path, text, { mode: OWN_FILE });
  rmSync(`${path}.secret`, { force: true });
  const { deviceId: id } = credentials;
  printDone(options, { deviceId: id, credentials: path }, `registered as ${id}, credentials in ${path}`);
}

/** The same at every try. It is on the disk before the server hears of it. */
function keptSecret(path: string): string {
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString('base64url');
  writeWhole(path, secret, { mode: OWN_FILE, ifMissing: true });
  return readFileSync(path, 'utf8');
}
