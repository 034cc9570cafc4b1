import { sealFingerprint } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { printDone } from '../node/print.ts';
import { restApi } from '../node/rest-api.ts';
import { addSealKey } from '../node/seal-key-file.ts';
import type { ServerOptions } from '../node/server-options.ts';

/** The options of `devices fingerprint`. */
export interface FingerprintOptions extends ServerOptions {
  readonly credentials: string;
  readonly createKey?: boolean;
  readonly json?: boolean;
}

/** Prints the digits. Throws a CredentialsError for a file that can't be used, an Error where one of the devices has no key. */
export async function showFingerprint(deviceId: string, options: FingerprintOptions): Promise<void> {
  if (options.createKey === true) addSealKey(options.credentials);
  const credentials = readCredentialsFile(options.credentials);
  const { capabilities } = await restApi(options).ask<{ capabilities: { sealKey: string | null } | null }>(
    'GET',
    `/api/v1/devices/${deviceId}`,
  );
  const key = capabilities?.sealKey ?? null;
  if (key === null) throw new Error('That device has shown no key: it has to connect with one first.');
  const fingerprint = sealFingerprint(credentials, { deviceId, key });
  if (fingerprint === null) throw new Error('This device has no key: --create-key makes one.');
  printDone(options, { deviceId, key, fingerprint }, fingerprint);
}
