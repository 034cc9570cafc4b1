import type { Account, AccountService, AccountToken } from '../domains/accounts/index.ts';
import type { AuditRecorder } from '../domains/audit/index.ts';
import type { Clock } from '../kernel/clock.ts';

type Known = Pick<Account, 'id' | 'homeTenantId'>;

/**
 * The accounts, whose sign-ins and traded tokens stand in the log of the account's own tenant, too: who signs in is nobody yet when its
 * request begins. A refresh is left out: it comes each ten minutes, and says no more than the sign-in. The token goes out when the record is kept.
 */
export function recordSignIns(
  accounts: AccountService,
  { recorder, clock }: { readonly recorder: Pick<AuditRecorder, 'note'>; readonly clock: Clock },
): AccountService {
  const record = async ({ id, homeTenantId }: Known, operation: string, outcome: string) => {
    await recorder.note({
      tenantId: homeTenantId,
      atMs: clock.nowMs(),
      principal: `account:${id}`,
      operation,
      class: 'access',
      outcome,
      objects: [],
      reason: null,
      leftOut: 0,
    });
  };
  const signedIn = async <
    Entered extends { readonly account: Known; readonly token?: Pick<AccountToken, 'kind'> },
  >(
    entered: Entered,
  ): Promise<Entered> => {
    const { account, token } = entered;
    await record(account, 'users.signIn', token?.kind === 'partial' ? 'second_factor_required' : 'done');
    return entered;
  };
  return {
    ...accounts,
    setUp: async (...asked) => signedIn(await accounts.setUp(...asked)),
    enter: async (...asked) => signedIn(await accounts.enter(...asked)),
    enterWithPassword: async (...asked) => signedIn(await accounts.enterWithPassword(...asked)),
    enterByPasskey: async (...asked) => signedIn(await accounts.enterByPasskey(...asked)),
    completeSignIn: async (...asked) => signedIn(await accounts.completeSignIn(...asked)),
    recover: async (...asked) => signedIn(await accounts.recover(...asked)),
    finishExternal: async (...asked) => signedIn(await accounts.finishExternal(...asked)),
    exchangeToken: async (secret) => {
      const pair = await accounts.exchangeToken(secret);
      if (pair !== null) await record(pair.account, 'users.exchangeToken', 'done');
      return pair;
    },
    refresh: async (refreshToken) => {
      const outcome = await accounts.refresh(refreshToken);
      if (outcome?.kind === 'reused') await record(outcome.account, 'users.endSignIn', 'refresh_reused');
      return outcome;
    },
    collectProgram: async (...asked) => {
      const outcome = await accounts.collectProgram(...asked);
      return outcome.kind === 'token' ? signedIn(outcome) : outcome;
    },
  };
}
