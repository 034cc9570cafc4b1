import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { findAddress } from './account-rows.postgres.ts';
import { noteUse } from './passkeys.postgres.ts';
import type { ProofStore } from './proofs.ts';
import { takeRecoveryCode } from './recovery-codes.postgres.ts';
import { takeCode } from './sign-in.postgres.ts';

/** False: the credential that the account asks with was revoked meanwhile. */
async function stamp(sql: Sql, { accountId, credentialId }: AccountActor, nowMs: number): Promise<boolean> {
  const stamped = await sql`
    UPDATE account_tokens SET proven_at = ${new Date(nowMs)}
    WHERE id = ${credentialId} AND account_id = ${accountId} AND kind IN ('personal', 'session') RETURNING 1`;
  return stamped.length > 0;
}

/** Proofs in PostgreSQL, with what they use up in the same transaction. */
export function createProofStore(database: Database): ProofStore {
  const proveBy = (
    actor: AccountActor,
    nowMs: number,
    take: (sql: Sql) => Promise<boolean>,
  ): ReturnType<ProofStore['proveByCode']> =>
    database.system('identity', async (sql) => {
      if (!(await take(sql))) return 'wrong';
      return (await stamp(sql, actor, nowMs)) ? 'proven' : 'credential_gone';
    });

  return {
    proveByCode: (actor, use) =>
      proveBy(actor, use.nowMs, async (sql) => {
        const taken = await takeCode(sql, use);
        return taken !== null && taken.address === (await findAddress(sql, actor.accountId));
      }),
    proveByRecoveryCode: (actor, codeHash, nowMs) =>
      proveBy(actor, nowMs, (sql) => takeRecoveryCode(sql, actor.accountId, codeHash, nowMs)),
    proveByPasskey: (actor, passkey, use) =>
      proveBy(actor, use.nowMs, (sql) => noteUse(sql, passkey.id, use)),
  };
}
