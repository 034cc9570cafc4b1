import { createPrivateKey, sign } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { provisioningBytes } from '../../proto/provisioning.ts';
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
  /** Files in PEM: with them the device shows its certificate in place of a key. */
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly authority?: string;
  /** The id of the bootstrap key that the authority belongs to. */
  readonly keyId?: string;
}

/** Random bytes that only this device knows. */
const SECRET_BYTES = 32;
/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Nobody but the device's user reads its secrets. */
const OWN_FILE = 0o600;

/** What proves that the device is of its fleet, given its secret. Throws an InvalidArgumentError where something is missing. */
function proofFrom(options: ProvisionOptions): (secret: string) => object {
  const { certificate, privateKey, authority, keyId, deviceId, worldType } = options;
  if (certificate === undefined) {
    const key = options.key ?? process.env.YGGDRASIL_BOOTSTRAP_KEY;
    if (key === undefined) {
      throw new InvalidArgumentError('Give --key, YGGDRASIL_BOOTSTRAP_KEY, or --certificate.');
    }
    return () => ({ key });
  }
  if (privateKey === undefined || authority === undefined || keyId === undefined) {
    throw new InvalidArgumentError('With --certificate give --private-key, --authority and --key-id.');
  }
  const [shown, issuer] = [readFileSync(certificate, 'utf8'), readFileSync(authority, 'utf8')];
  const signer = createPrivateKey(readFileSync(privateKey));
  return (secret) => {
    const signedAt = new Date().toISOString();
    const bytes = provisioningBytes({ keyId, deviceId, secret, worldType, sessionKey: null, signedAt });
    const digest = signer.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    const signature = sign(digest, bytes, signer).toString('base64');
    return { certificate: { keyId, certificate: shown, authority: issuer, signedAt, signature } };
  };
}

/**
 * Registers the device and writes its credentials. Throws an InvalidArgumentError without a key, an Error for a refusal, with its
 * code. A file that is there stays: the device is registered.
 */
export async function provisionDevice(options: ProvisionOptions): Promise<void> {
  const { credentials: path, deviceId, worldType } = options;
  if (existsSync(path)) {
    const { deviceId: id } = parseCredentials(readFileSync(path, 'utf8'));
    printDone(options, { deviceId: id, credentials: path }, `${path} is there: the device is registered`);
    return;
  }
  const proofOf = proofFrom(options);
  const secret = keptSecret(`${path}.secret`);
  const response = await fetchFrom(originOf(options.server), '/api/v1/device-provisioning', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...proofOf(secret), deviceId, secret, worldType }),
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
