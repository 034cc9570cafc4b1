import { readFileSync } from 'node:fs';
import { CredentialsError, type DeviceCredentials, parseCredentials } from '../client/index.ts';

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
