import { InvariantError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import type { SealedRow, SealedRows } from '../../kernel/sealed-rows.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import { StartError } from '../../kernel/start-error.ts';
import type { DataKeyStore } from './data-keys.postgres.ts';
import { createKeyring, SEALED_BY_MASTER_KEY } from './keyring.ts';
import { MASTER_KEY_BYTES } from './secret-box.ts';
import type { SecretFolder } from './secrets-file.ts';
import { keyId, settleSecrets, unwrap, wrap } from './wrapped-keys.ts';

/** What was done. */
export interface Rotation {
  readonly previousKeyId: string;
  readonly keyId: string;
  /** Secrets that were sealed under a master key itself, and now are under a data key. */
  readonly resealed: number;
  /** Secrets among them that no key opens, and that stay as they are. */
  readonly unreadable: number;
}

/** What it works on. */
interface RotationDependencies {
  readonly folder: SecretFolder;
  readonly store: DataKeyStore;
  /** Every table that has sealed secrets. */
  readonly tables: readonly SealedRows[];
  readonly random: Random;
}

/** Secrets that are read together. */
const ROWS_TOGETHER = 500;

/**
 * Puts a new master key in the place of the one in `secrets.json`, beside a running server or without one. The next key is kept
 * before the database is told, and becomes the current one afterwards: whatever is cut short in between, `settleSecrets` finds which of both
 * the database is under. Refuses with StartError secrets that don't fit.
 */
export async function rotateMasterKey(dependencies: RotationDependencies): Promise<Rotation> {
  const { folder, store, tables, random } = dependencies;
  const keyring = createKeyring(folder, store);
  if (!(await keyring.load())) {
    throw new StartError(
      'The database has no keys of its own yet: start a server of this version on it once.',
    );
  }
  let [resealed, unreadable] = [0, 0];
  for (const table of tables) {
    const counts = await resealTable(table, keyring);
    resealed += counts.resealed;
    unreadable += counts.unreadable;
  }
  const masterKey = random.bytes(MASTER_KEY_BYTES);
  const previousKeyId = await store.alone(async (keys, replace) => {
    const current = await settleSecrets(keys, folder);
    const next = { ...current, masterKey };
    folder.writeNext(next);
    await replace(keys.map((key) => wrap(key.id, unwrap(key, current), next)));
    return keyId(current.masterKey);
  });
  await store.alone((keys) => settleSecrets(keys, folder));
  return { previousKeyId, keyId: keyId(masterKey), resealed, unreadable };
}

/** Seals under a data key what was sealed under the master key itself. What a server does meanwhile stays. */
async function resealTable(
  table: SealedRows,
  box: SecretBox,
): Promise<Pick<Rotation, 'resealed' | 'unreadable'>> {
  const counts = { resealed: 0, unreadable: 0 };
  let after: string | null = null;
  for (;;) {
    const rows: readonly SealedRow[] = await table.list(SEALED_BY_MASTER_KEY, after, ROWS_TOGETHER);
    for (const row of rows) {
      const secret = openOrNull(box, row);
      if (secret === null) counts.unreadable += 1;
      else {
        await table.replace(row, box.seal(secret, row.context));
        counts.resealed += 1;
      }
    }
    after = rows.at(-1)?.id ?? null;
    if (after === null) return counts;
  }
}

function openOrNull(box: SecretBox, { sealed, context }: SealedRow): Uint8Array | null {
  try {
    return box.open(sealed, context);
  } catch (error) {
    if (error instanceof InvariantError) return null;
    throw error;
  }
}
