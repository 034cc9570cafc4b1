import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDataKeyStore,
  createKeyring,
  createSecretBox,
  createSecretFolder,
  type DataKeyStore,
  type Keyring,
  loadSecrets,
  rotateMasterKey,
  type SecretFolder,
} from '../../../server/platform/secrets/index.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const random = createSystemRandom();
const CONTEXT = 'devices|signing_key|1';
const SECRET = Uint8Array.from({ length: 32 }, (_, index) => index);

let db: TestDatabase;
let directory: string;
let folder: SecretFolder;
let store: DataKeyStore;
/** As a server has it that runs all the time. */
let running: Keyring;
let sealed: Uint8Array;

beforeAll(async () => {
  db = await createTestDatabase();
  store = createDataKeyStore(db.database);
  directory = await mkdtemp(join(tmpdir(), 'yggdrasil-rotation-'));
  folder = createSecretFolder(directory, random);
  running = createKeyring(folder, store);
  expect(await running.load()).toBe(false);
  await running.makeFirst(random);
  sealed = running.seal(SECRET, CONTEXT);
});
afterAll(async () => {
  await db?.close();
  await rm(directory, { recursive: true, force: true });
});

const masterKey = async () => Buffer.from((await loadSecrets(directory, random)).masterKey).toString('hex');
const rotate = (parts: { folder?: SecretFolder; store?: DataKeyStore } = {}) =>
  rotateMasterKey({ folder, store, tables: [], random, ...parts });

/** The secret, by a server that starts now. */
async function openedAnew(): Promise<Uint8Array> {
  const keyring = createKeyring(createSecretFolder(directory, random), store);
  await keyring.load();
  return new Uint8Array(keyring.open(sealed, CONTEXT));
}

class CutShort extends Error {}
const cutShort = (): never => {
  throw new CutShort();
};

type Call = 'writeNext' | 'promoteNext';
const cutBefore = (call: Call): SecretFolder => ({ ...folder, [call]: cutShort });
const cutAfter = (call: Call): SecretFolder => ({
  ...folder,
  [call]: (...given: Parameters<SecretFolder['writeNext']>) => {
    folder[call](...given);
    cutShort();
  },
});
/** The first transaction is that of `load`. */
const cutTransaction = (when: 'inside' | 'after'): DataKeyStore => {
  let count = 0;
  return {
    ...store,
    async alone(work) {
      count += 1;
      if (count !== 2) return store.alone(work);
      if (when === 'inside') {
        return store.alone(async (keys, replace) => {
          await work(keys, replace);
          return cutShort();
        });
      }
      await store.alone(work);
      return cutShort();
    },
  };
};

describe('a rotation of the master key', () => {
  it('makes another key, under which what was sealed opens; a running server goes on without it', async () => {
    const before = await masterKey();
    const old = await readFile(join(directory, 'secrets.json'), 'utf8');
    const rotation = await rotate();
    expect(await masterKey()).not.toBe(before);
    expect(rotation.keyId).not.toBe(rotation.previousKeyId);
    expect(await openedAnew()).toEqual(SECRET);
    expect(new Uint8Array(running.open(sealed, CONTEXT))).toEqual(SECRET);
    sealed = running.seal(SECRET, CONTEXT);
    expect(await openedAnew()).toEqual(SECRET);
    expect((await rotate()).previousKeyId).toBe(rotation.keyId);
    expect(await readdir(directory)).toEqual(['secrets.json']);

    const other = await mkdtemp(join(tmpdir(), 'yggdrasil-rotation-'));
    try {
      await writeFile(join(other, 'secrets.json'), old, { mode: 0o600 });
      const retired = createKeyring(createSecretFolder(other, random), store);
      await expect(retired.load()).rejects.toThrow(/belongs to other secrets/);
    } finally {
      await rm(other, { recursive: true });
    }
  });

  it.each<[string, () => { folder?: SecretFolder; store?: DataKeyStore }, 'old' | 'new']>([
    ['before the next key is kept', () => ({ folder: cutBefore('writeNext') }), 'old'],
    ['after the next key is kept', () => ({ folder: cutAfter('writeNext') }), 'old'],
    ['before the database commits', () => ({ store: cutTransaction('inside') }), 'old'],
    ['after the database has committed', () => ({ store: cutTransaction('after') }), 'new'],
    ['before the next key is the current one', () => ({ folder: cutBefore('promoteNext') }), 'new'],
    ['after the next key is the current one', () => ({ folder: cutAfter('promoteNext') }), 'new'],
  ])('that is cut short %s leaves what opens, and can be done again', async (_, parts, key) => {
    const before = await masterKey();
    await expect(rotate(parts())).rejects.toThrow(CutShort);
    expect(await openedAnew()).toEqual(SECRET);
    expect((await masterKey()) === before).toBe(key === 'old');
    expect(await readdir(directory)).toEqual(['secrets.json']);
    await rotate();
    expect(await openedAnew()).toEqual(SECRET);
  });

  it('of several at once are done one after the other', async () => {
    const all = await Promise.all([rotate(), rotate(), rotate()]);
    expect(new Set(all.map(({ keyId }) => keyId)).size).toBe(3);
    expect(await openedAnew()).toEqual(SECRET);
  });

  it('seals anew what was sealed under the master key itself, and leaves what nobody opens', async () => {
    const { masterKey: key } = await loadSecrets(directory, random);
    const rows = new Map([
      ['1', createSecretBox(key).seal(SECRET, CONTEXT)],
      ['2', createSecretBox(random.bytes(32)).seal(SECRET, CONTEXT)],
    ]);
    const table = {
      list: async (form: number, after: string | null) =>
        [...rows]
          .filter(([id, bytes]) => bytes[0] === form && (after === null || id > after))
          .slice(0, 1)
          .map(([id, bytes]) => ({ id, sealed: bytes, context: CONTEXT })),
      replace: async ({ id }: { id: string }, bytes: Uint8Array) => void rows.set(id, bytes),
    };
    const rotation = await rotateMasterKey({ folder, store, tables: [table], random });
    expect([rotation.resealed, rotation.unreadable]).toEqual([1, 1]);
    const keyring = createKeyring(folder, store);
    await keyring.load();
    expect(new Uint8Array(keyring.open(rows.get('1') ?? new Uint8Array(), CONTEXT))).toEqual(SECRET);
    expect(rows.get('2')?.[0]).toBe(1);
  });
});
