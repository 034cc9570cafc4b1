import { readFileSync } from 'node:fs';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { createSealKey } from '../client/index.ts';
import { readCredentialsFile } from './credentials-file.ts';

/**
 * Gives the device a key to seal with, in the file of its credentials, unless it has one. Throws `CredentialsError` as
 * `readCredentialsFile` does, and an Error where the file can't be written.
 */
export function addSealKey(path: string): void {
  if (readCredentialsFile(path).sealKey !== undefined) return;
  const fields = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeWhole(path, `${JSON.stringify({ ...fields, sealKey: createSealKey() }, null, 2)}\n`, { mode: 0o600 });
}
