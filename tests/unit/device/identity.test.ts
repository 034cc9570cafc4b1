import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactEncrypt } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backUpIdentity, restoreIdentity } from '../../../device/provision/identity.ts';

const PASSPHRASE = 'correct horse battery staple';
const CREDENTIALS = JSON.stringify({
  deviceId: '0192f0c1-2345-7678-9abc-def012345678',
  networkId: '0192f0c1-2345-7678-9abc-def012345679',
  token: 'a-token-that-opens-the-connection',
  signingKey: Buffer.alloc(32, 7).toString('base64url'),
  further: 'kept as it is',
});

let folder: string;
const at = (name: string) => join(folder, name);
const write = (name: string, text: string) => {
  writeFileSync(at(name), text);
  return at(name);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'yggdrasil-identity-'));
  write('device.json', CREDENTIALS);
  write('passphrase', `${PASSPHRASE}\n`);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const backUp = (credentials = 'device.json', passphrase = 'passphrase') =>
  backUpIdentity(at('backup'), { credentials: at(credentials), passphraseFile: at(passphrase) });
const restore = (passphrase = 'passphrase') =>
  restoreIdentity(at('backup'), { credentials: at('restored.json'), passphraseFile: at(passphrase) });

describe('the backup of an identity', () => {
  test('gives the credentials back, byte for byte, and only their user reads either file', async () => {
    await backUp();
    const sealed = readFileSync(at('backup'), 'utf8');
    expect(sealed).not.toContain('0192f0c1');
    await restore();
    expect(readFileSync(at('restored.json'), 'utf8')).toBe(CREDENTIALS);
    for (const name of ['backup', 'restored.json']) expect(statSync(at(name)).mode & 0o777).toBe(0o600);
  });

  test('is not opened by another passphrase, and not where a character of it was changed', async () => {
    await backUp();
    write('other', 'correct horse battery stapler');
    await expect(restore('other')).rejects.toThrow(/can't be opened/);
    const parts = readFileSync(at('backup'), 'utf8').trim().split('.');
    for (const [index, part] of parts.entries()) {
      const middle = Math.floor(part.length / 2);
      const other = part[middle] === 'A' ? 'B' : 'A';
      const changed = `${part.slice(0, middle)}${other}${part.slice(middle + 1)}`;
      write('backup', parts.with(index, changed).join('.'));
      await expect(restore()).rejects.toThrow(/can't be opened/);
    }
    write('backup', 'no backup at all');
    await expect(restore()).rejects.toThrow(/can't be opened/);
  });

  test('is not worked on for minutes because it says so', async () => {
    const hostile = new CompactEncrypt(Buffer.from(CREDENTIALS))
      .setProtectedHeader({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM' })
      .setKeyManagementParameters({ p2c: 1_000 });
    const [header = '', ...rest] = (await hostile.encrypt(Buffer.from(PASSPHRASE))).split('.');
    const said = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
    const more = Buffer.from(JSON.stringify({ ...said, p2c: 2 ** 31 - 1 })).toString('base64url');
    write('backup', [more, ...rest].join('.'));
    await expect(restore()).rejects.toThrow(/can't be opened/);
  });

  test('overwrites nothing', async () => {
    write('backup', 'of another device');
    await expect(backUp()).rejects.toThrow(/is there already/);
    expect(readFileSync(at('backup'), 'utf8')).toBe('of another device');
    rmSync(at('backup'));
    await backUp();
    write('restored.json', 'of another device');
    await expect(restore()).rejects.toThrow(/is there already/);
    expect(readFileSync(at('restored.json'), 'utf8')).toBe('of another device');
  });

  test('wants a passphrase that is no guess, and credentials', async () => {
    write('short', 'hunter2');
    await expect(backUp('device.json', 'short')).rejects.toThrow(/12 characters at least/);
    await expect(backUpIdentity(at('backup'), { credentials: at('device.json') })).rejects.toThrow(
      /Give --passphrase-file/,
    );
    write('none.json', '{"deviceId":"x"}');
    await expect(backUp('none.json')).rejects.toThrow(/none\.json: "networkId" is missing/);
    await expect(backUp('missing.json')).rejects.toThrow(/can't be read \(ENOENT\)/);
  });
});
