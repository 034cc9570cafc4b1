import { existsSync, readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { CompactEncrypt, compactDecrypt, errors } from 'jose';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { CredentialsError, parseCredentials } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { printDone } from '../node/print.ts';

/** The options of `identity backup` and `identity restore`. */
export interface IdentityOptions {
  readonly credentials: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

/** RFC 7516 with a passphrase (RFC 7518 section 4.8): any library of JOSE opens a backup. */
const HEADER = { alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', typ: 'yggdrasil-device-identity' } as const;
/** Rounds of PBKDF2 with SHA-512, as OWASP's Password Storage Cheat Sheet asks for at least. */
const ROUNDS = 250_000;
/** A backup that wants more of them is not opened: it would take minutes. */
const ROUNDS_MAX = 10_000_000;
const PASSPHRASE_CHARACTERS_MIN = 12;
/** Nobody but the device's user reads its secrets. */
const OWN_FILE = 0o600;

/** Writes what a device proves itself with to `file`, sealed under a passphrase. Throws where the file is there already. */
export async function backUpIdentity(file: string, options: IdentityOptions): Promise<void> {
  const { deviceId } = readCredentialsFile(options.credentials);
  const passphrase = passphraseOf(options);
  if (existsSync(file)) throw new InvalidArgumentError(`${file} is there already: name another file.`);
  const sealed = await new CompactEncrypt(readFileSync(options.credentials))
    .setProtectedHeader(HEADER)
    .setKeyManagementParameters({ p2c: ROUNDS })
    .encrypt(passphrase);
  writeWhole(file, `${sealed}\n`, { mode: OWN_FILE, ifMissing: true });
  printDone(options, { deviceId, backup: file }, `The identity of ${deviceId} is in ${file}.`);
}

/** Writes the credentials that a backup holds. Throws where they are there already, or the passphrase is another one. */
export async function restoreIdentity(file: string, options: IdentityOptions): Promise<void> {
  const { credentials: path } = options;
  const passphrase = passphraseOf(options);
  if (existsSync(path)) throw new InvalidArgumentError(`${path} is there already: name another file.`);
  const text = await open(file, passphrase);
  const { deviceId } = parseCredentials(text);
  writeWhole(path, text, { mode: OWN_FILE, ifMissing: true });
  printDone(options, { deviceId, credentials: path }, `The identity of ${deviceId} is in ${path}.`);
}

async function open(file: string, passphrase: Uint8Array): Promise<string> {
  let sealed: string;
  try {
    sealed = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CredentialsError(`${file} can't be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
  try {
    const { plaintext } = await compactDecrypt(sealed, passphrase, {
      keyManagementAlgorithms: [HEADER.alg],
      contentEncryptionAlgorithms: [HEADER.enc],
      maxPBES2Count: ROUNDS_MAX,
    });
    return new TextDecoder().decode(plaintext);
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw new CredentialsError(
      `${file} can't be opened: it is no backup of an identity, was changed, or has another passphrase`,
    );
  }
}

/** Spaces and line ends around it don't count, as editors leave them. Throws an InvalidArgumentError without one. */
function passphraseOf({ passphraseFile }: IdentityOptions): Uint8Array {
  const said =
    passphraseFile === undefined ? process.env.YGGDRASIL_PASSPHRASE : readFileSync(passphraseFile, 'utf8');
  if (said === undefined) throw new InvalidArgumentError('Give --passphrase-file, or YGGDRASIL_PASSPHRASE.');
  const passphrase = said.trim().normalize('NFC');
  if ([...passphrase].length < PASSPHRASE_CHARACTERS_MIN) {
    throw new InvalidArgumentError(
      `The passphrase has ${PASSPHRASE_CHARACTERS_MIN} characters at least: who has the file can try as often as they like.`,
    );
  }
  return new TextEncoder().encode(passphrase);
}
