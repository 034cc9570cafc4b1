import type { Sql } from '../../kernel/database.ts';
import { AppError } from '../../kernel/errors.ts';
import type { LockId } from '../../kernel/ids.ts';

/** A lock's token that came with a change. */
export interface ShownToken {
  readonly lockId: LockId;
  readonly token: number;
}

/**
 * Makes sure that the lock is held to write under this token until the transaction of the tenant has ended: whoever would take it away
 * waits for that. Refuses every other token with `lock_token_stale`.
 */
export async function requireLockToken(sql: Sql, { lockId, token }: ShownToken): Promise<void> {
  const [row] = await sql<{ holds: boolean }[]>`SELECT holds_lock(${lockId}, ${token}) AS holds`;
  if (row?.holds === true) return;
  throw new AppError(
    'conflict',
    'lock_token_stale',
    'The lock is not held under this token: nothing is changed.',
  );
}
