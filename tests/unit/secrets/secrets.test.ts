import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InvariantError } from '../../../server/kernel/errors.ts';
import { StartError } from '../../../server/kernel/start-error.ts';
import { createSecretBox, loadSecrets } from '../../../server/platform/secrets/index.ts';
import { prepareDataDirectory } from '../../../server/platform/system/data-directory.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';

const random = createSystemRandom();

describe('the secrets file', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'yggdrasil-secrets-'));
    path = join(directory, 'secrets.json');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('is made once, for its owner only, and read again', async () => {
    const first = await loadSecrets(directory, random);
    expect(first.masterKey).toHaveLength(32);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await loadSecrets(directory, random)).toEqual(first);
    expect(await readdir(directory)).toEqual(['secrets.json']);
  });

  test('of two servers that start at once is the same for both', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => loadSecrets(directory, random)));
    for (const one of all) expect(one).toEqual(all[0]);
    expect(await readdir(directory)).toEqual(['secrets.json']);
  });

  test.each([0o640, 0o604, 0o660])('with mode %o is refused', async (mode) => {
    await loadSecrets(directory, random);
    await chmod(path, mode);
    await expect(loadSecrets(directory, random)).rejects.toThrow(
      /can be read by others \(mode \d+\): chmod 600/,
    );
  });

  test.each([
    ['cut short', (text: string) => text.slice(0, -10)],
    ['empty', () => ''],
    ['of another version', (text: string) => text.replace('"version": 1', '"version": 2')],
    ['with a short key', (text: string) => text.replace(/("masterKey": ").{4}/, '$1')],
    ['with more in it', (text: string) => text.replace('{', '{"more": 1,')],
  ])('%s is refused, left as it is, and not shown', async (_, damage) => {
    await loadSecrets(directory, random);
    const text = damage(await readFile(path, 'utf8'));
    await writeFile(path, text);
    const error = await loadSecrets(directory, random).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartError);
    expect(String(error)).toMatch(/is damaged/);
    const secrets = text.match(/[\w-]{20,}/g) ?? [];
    for (const secret of secrets) expect(String(error)).not.toContain(secret);
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test('that is a link is refused', async () => {
    await loadSecrets(directory, random);
    await rename(path, join(directory, 'other'));
    await symlink(join(directory, 'other'), path);
    await expect(loadSecrets(directory, random)).rejects.toThrow(/^The secrets file .* can't be read: ELOOP/);
  });

  test('that can not be written is refused with the reason', async () => {
    await expect(loadSecrets(join(directory, 'missing'), random)).rejects.toThrow(/can't be written: ENOENT/);
  });

  test('lies in a directory closed to others', async () => {
    const data = await prepareDataDirectory(join(directory, 'a', 'data'));
    expect((await stat(data)).mode & 0o066).toBe(0);
  });
});

describe('a secret box', () => {
  const box = createSecretBox(new Uint8Array(32).fill(7));
  const secret = Uint8Array.from({ length: 32 }, (_, index) => index);

  test('opens what it sealed, and seals the same differently each time', () => {
    const sealed = box.seal(secret, 'a');
    expect(new Uint8Array(box.open(sealed, 'a'))).toEqual(secret);
    expect(box.seal(secret, 'a')).not.toEqual(sealed);
    expect(Buffer.from(sealed).includes(Buffer.from(secret))).toBe(false);
  });

  test('of an empty secret opens', () => {
    expect(box.open(box.seal(new Uint8Array(), 'a'), 'a')).toHaveLength(0);
  });

  test('refuses another context and another key', () => {
    const sealed = box.seal(secret, 'a');
    expect(() => box.open(sealed, 'b')).toThrow(InvariantError);
    expect(() => createSecretBox(new Uint8Array(32).fill(8)).open(sealed, 'a')).toThrow(InvariantError);
  });

  test('refuses a change of any byte and any shortening', () => {
    const sealed = box.seal(secret, 'a');
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => box.open(changed, 'a')).toThrow(InvariantError);
      expect(() => box.open(sealed.subarray(0, index), 'a')).toThrow(InvariantError);
    }
  });

  test('refuses a key of another length', () => {
    expect(() => createSecretBox(new Uint8Array(16))).toThrow(InvariantError);
  });
});
