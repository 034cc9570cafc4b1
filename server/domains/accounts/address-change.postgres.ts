import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import {
  findAddress,
  findByAddress,
  findByLockedAddress,
  hasCredential,
  lockAddress,
} from './account-rows.postgres.ts';
import { RECOVERY_CODE_AGE_MS } from './limits.ts';
import type { AddressChangeStore, StoredAddressChange } from './ports.ts';
import { takeRecoveryCode } from './recovery-codes.postgres.ts';

async function insertChange(
  sql: Sql,
  { accountId }: AccountActor,
  currentAddress: string | null,
  change: StoredAddressChange,
): Promise<void> {
  const { id, newAddress, newHash, currentHash, triesLeft, createdAtMs, expiresAtMs } = change;
  await sql`
    INSERT INTO address_changes (id, account_id, current_address, new_address, current_code_hash, new_code_hash,
      tries_left, created_at, expires_at)
    VALUES (${id}, ${accountId}, ${currentAddress}, ${newAddress}, ${currentAddress === null ? null : currentHash},
      ${newHash}, ${triesLeft}, ${new Date(createdAtMs)}, ${new Date(expiresAtMs)})`;
}

/** True where the account began as many changes as it may, or as many codes were sent to the new address. */
async function isTooMuch(
  sql: Sql,
  { accountId }: AccountActor,
  newAddress: string,
  { sinceMs, ofAccountMax, ofAddressMax }: Parameters<AddressChangeStore['addChange']>[2],
): Promise<boolean> {
  const since = new Date(sinceMs);
  const ofAccount = await sql`
    SELECT 1 FROM address_changes WHERE account_id = ${accountId} AND created_at > ${since} LIMIT ${ofAccountMax}`;
  const ofAddress = await sql`
    SELECT 1 FROM address_changes WHERE new_address = ${newAddress} AND created_at > ${since}
    UNION ALL SELECT 1 FROM sign_in_codes WHERE address = ${newAddress} AND created_at > ${since}
    LIMIT ${ofAddressMax}`;
  return ofAccount.length >= ofAccountMax || ofAddress.length >= ofAddressMax;
}

interface ChangeRow {
  current_address: string | null;
  new_address: string;
  current_code_hash: Uint8Array | null;
  new_code_hash: Uint8Array;
}

/** The change, used up; null: the codes aren't right (one try less), or it isn't there any more. */
async function takeChange(
  sql: Sql,
  { accountId }: AccountActor,
  {
    changeId,
    nowMs,
    isNewRight,
    isCurrentRight,
    recoveryHash,
  }: Parameters<AddressChangeStore['useChange']>[1],
): Promise<ChangeRow | null> {
  const [row] = await sql<ChangeRow[]>`
    SELECT current_address, new_address, current_code_hash, new_code_hash FROM address_changes
    WHERE id = ${changeId} AND account_id = ${accountId} AND tries_left > 0 AND expires_at > ${new Date(nowMs)}
    FOR UPDATE`;
  if (row === undefined) return null;
  // Both are compared, so that the time doesn't tell which of them is wrong.
  const isNew = isNewRight(row.new_code_hash);
  const isCurrent = isCurrentRight(row.current_code_hash ?? NO_CODE) || row.current_code_hash === null;
  const isRecovered =
    isNew &&
    recoveryHash !== null &&
    (await takeRecoveryCode(sql, accountId, recoveryHash, nowMs - RECOVERY_CODE_AGE_MS));
  if (!isNew || !(isCurrent || isRecovered)) {
    await sql`UPDATE address_changes SET tries_left = tries_left - 1 WHERE id = ${changeId}`;
    return null;
  }
  // It stays, used up, among those that are counted.
  await sql`UPDATE address_changes SET tries_left = 0 WHERE id = ${changeId}`;
  return row;
}

const NO_CODE = new Uint8Array(32);

/** Changes of one account's address come one after the other. */
async function lockChanges(sql: Sql, { accountId }: AccountActor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`address-changes:${accountId}`}, 0))`;
}

/** Changes of addresses in PostgreSQL. */
export function createAddressChangeStore(database: Database): AddressChangeStore {
  return {
    addChange: (actor, change, limits) =>
      database.system('identity', async (sql) => {
        await lockChanges(sql, actor);
        if (!(await hasCredential(sql, actor))) return 'credential_gone';
        const currentAddress = await findAddress(sql, actor.accountId);
        if (currentAddress === change.newAddress) return 'unchanged';
        await lockAddress(sql, change.newAddress);
        if (await isTooMuch(sql, actor, change.newAddress, limits)) return 'too_many';
        await insertChange(sql, actor, currentAddress, change);
        return { currentAddress, isTaken: (await findByAddress(sql, change.newAddress)) !== null };
      }),

    useChange: (actor, use) =>
      database.system('identity', async (sql) => {
        await lockChanges(sql, actor);
        if (!(await hasCredential(sql, actor))) return 'credential_gone';
        const change = await takeChange(sql, actor, use);
        if (change === null) return 'wrong';
        const { current_address: previousAddress, new_address: newAddress } = change;
        if ((await findAddress(sql, actor.accountId)) !== previousAddress) return 'wrong';
        if ((await findByLockedAddress(sql, newAddress)) !== null) return 'wrong';
        await sql`
          INSERT INTO account_addresses (account_id, address) VALUES (${actor.accountId}, ${newAddress})
          ON CONFLICT (account_id) DO UPDATE SET address = EXCLUDED.address`;
        return { previousAddress };
      }),

    removeExpired: (changesBeforeMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM address_changes WHERE created_at < ${new Date(changesBeforeMs)}`;
      }),
  };
}
