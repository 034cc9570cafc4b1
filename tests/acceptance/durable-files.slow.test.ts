import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryFile } from '../../device/virtual/memory-file.ts';
import { makeFolder, writeWhole } from '../../server/platform/files/durable.ts';
import { loadSecrets } from '../../server/platform/secrets/index.ts';
import { prepareDataDirectory } from '../../server/platform/system/data-directory.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { createLosableDisk, type LosableDisk } from '../support/power-loss/losable-disk.ts';

let disk: LosableDisk;
const at = (...names: string[]) => join(disk.path, ...names);
async function losePower(): Promise<void> {
  await disk.cut();
  await disk.restore();
}

beforeAll(async () => {
  disk = await createLosableDisk();
});
afterAll(() => disk.remove());

describe('what is there after a loss of power', () => {
  it('is a folder that was made, with those above it', async () => {
    makeFolder(at('a', 'b', 'c'), 0o700);
    await losePower();
    expect(existsSync(at('a', 'b', 'c'))).toBe(true);
  });

  it('is a file that was written, and no part of another', async () => {
    makeFolder(at('files'), 0o700);
    writeWhole(at('files', 'one'), 'first', { mode: 0o600 });
    await losePower();
    expect(readFileSync(at('files', 'one'), 'utf8')).toBe('first');
    writeWhole(at('files', 'one'), 'second', { mode: 0o600 });
    writeWhole(at('files', 'one'), 'ignored', { mode: 0o600, ifMissing: true });
    await losePower();
    expect(readFileSync(at('files', 'one'), 'utf8')).toBe('second');
    expect(readdirSync(at('files')).filter((name) => name !== 'one')).toHaveLength(0);
  });

  it('are the secrets that the server works with, in a data directory that it made', async () => {
    const random = createSystemRandom();
    const secrets = await loadSecrets(await prepareDataDirectory(at('new', 'data')), random);
    await losePower();
    expect(await loadSecrets(await prepareDataDirectory(at('new', 'data')), random)).toEqual(secrets);
  });

  it('is the memory of a virtual device', async () => {
    makeFolder(at('device'), 0o700);
    const begun = { commandId: 'c', sourceId: 's' };
    const nonces = { nonce: 7, commandNonces: {}, forgottenNonce: 0 };
    const content = { ...nonces, begun, begunAction: null, answers: [], settings: {} };
    createMemoryFile(at('device', 'state')).save(content);
    await losePower();
    expect(createMemoryFile(at('device', 'state')).load()).toEqual(content);
  });
});
