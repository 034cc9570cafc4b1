import { readFileSync } from 'node:fs';
import { writeWhole } from '../../server/platform/files/durable.ts';
import {
  CredentialsError,
  createSealKey,
  type DeviceCredentials,
  parseCredentials,
} from '../client/index.ts';

/** Reads a device's credentials. Throws `CredentialsError` with the file's name and what is wrong with it. */
export function readCredentialsFile(path: string): DeviceCredentials {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CredentialsError(`${path} can't be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
  try {
    return parseCredentials(text);
  } catch (error) {
    if (error instanceof CredentialsError) throw new CredentialsError(`${path}: ${error.message}`);
    throw error;
  }
}

/**
 * Gives the device a key to seal with, in the file of its credentials, unless it has one. Throws `CredentialsError` as
 * `readCredentialsFile` does, and an Error where the file can't be written.
 */
export function addSealKey(path: string): void {
  if (readCredentialsFile(path).sealKey !== undefined) return;
  const fields = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeWhole(path, `${JSON.stringify({ ...fields, sealKey: createSealKey() }, null, 2)}\n`, { mode: 0o600 });
}
