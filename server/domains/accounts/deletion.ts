import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { DeletionStore, LiveConnections, MailSender, TenantMoney } from './ports.ts';
import { credentialGone, makeUndoToken, type TokenSources } from './tokens.ts';
import type { PendingDeletion } from './types.ts';

/** Deleting one's account, after a time in which it can be undone. */
export interface AccountDeletion {
  /**
   * From now on the account can only undo this; its tokens end at once. Gives when it is deleted, and a token that undoes it. Refuses with
   * `hand_over_first` the last owner of a tenant with other members, with `last_operator`, with `account_has_money` while
   * a tenant that would be removed with it has an open hold, owes something, or has a balance that isn't given up, with
   * `account_deletion_pending`, and with `unauthenticated` where the token in use was revoked meanwhile.
   */
  requestDeletion(
    actor: Actor,
    options: { readonly givesUpBalance: boolean },
  ): Promise<PendingDeletion & { readonly secret: string }>;
  /** Null: the account that asks is not to be deleted. */
  findDeletion(actor: Actor): Promise<PendingDeletion | null>;
  /** The account that asks stays. False: it was not to be deleted. Refuses with `conflict` when its time is over. */
  restoreAccount(actor: Actor): Promise<boolean>;
}

/** What it needs. */
export interface AccountDeletionDependencies extends TokenSources {
  readonly deletions: DeletionStore;
  readonly money: TenantMoney;
  readonly live: LiveConnections;
  /** Null: no mail can be sent. */
  readonly mail: MailSender | null;
  /** How long a deletion can be undone, in milliseconds. */
  readonly deletionDelayMs: number;
}

/** Builds this part of the service. */
export function createAccountDeletion(dependencies: AccountDeletionDependencies): AccountDeletion {
  const { deletions, money, live, mail, clock, deletionDelayMs } = dependencies;

  /** What would be removed with the account, all of it free of money. */
  const requireSettled = async (account: AccountActor, givesUpBalance: boolean) => {
    const { removedTenantIds, blockedTenantIds, isLastOperator } = await deletions.survey(account.accountId);
    if (blockedTenantIds.length > 0) throw handOverFirst(blockedTenantIds);
    if (isLastOperator) throw lastOperator();
    for (const tenantId of removedTenantIds) {
      const { hasOpenHold, balanceMicrocents, owedMicrocents } = await money.read(tenantId);
      if (hasOpenHold)
        throw hasMoney('hold', 'A request that you pay for is running. Wait until it has ended.');
      if (owedMicrocents > 0n) throw hasMoney('debt', 'You owe money. Settle it first.');
      if (balanceMicrocents > 0n && !givesUpBalance) {
        throw hasMoney('balance', 'There is money in your account. Use it up, or say that you give it up.');
      }
    }
    return removedTenantIds;
  };

  return {
    async requestDeletion(actor, { givesUpBalance }) {
      const account = requirePermission(actor, 'account.manage');
      const settledTenantIds = await requireSettled(account, givesUpBalance);
      const requestedAtMs = clock.nowMs();
      const dueAtMs = requestedAtMs + deletionDelayMs;
      const { token, secret } = makeUndoToken(dueAtMs, dependencies);
      const outcome = await deletions.request(account, { requestedAtMs, dueAtMs }, token, settledTenantIds);
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'changed') throw changedMeanwhile();
      // After the commit: who arrives later may only undo it, who arrived before is found here.
      live.endAccount(account.accountId);
      if (outcome.address !== null) {
        mail?.send({ to: outcome.address, subject: SUBJECT, text: requestedText(dueAtMs) });
      }
      return { requestedAtMs, dueAtMs, secret };
    },

    findDeletion: (actor) => deletions.find(requirePermission(actor, 'account.restore').accountId),

    async restoreAccount(actor) {
      const { accountId } = requirePermission(actor, 'account.restore');
      const outcome = await deletions.cancel(accountId, clock.nowMs());
      if (outcome === 'too_late') throw tooLate();
      live.accountChanged(accountId);
      return outcome === 'cancelled';
    },
  };
}

const SUBJECT = 'Your Yggdrasil account is to be deleted';

const requestedText = (dueAtMs: number) =>
  `Your account will be deleted at ${new Date(dueAtMs).toISOString().slice(0, 16).replace('T', ' ')} UTC, with the networks and devices of the\n` +
  'tenants that are yours alone. Until then, sign in and undo it (POST /api/v1/users/me/restore) if you want to keep it.\n' +
  'Your tokens and API keys have ended.\n';

function handOverFirst(tenantIds: readonly TenantId[]): AppError {
  return new AppError(
    'conflict',
    'hand_over_first',
    'You are the last owner of a tenant with other members. Hand it over, or remove them, first.',
    { details: { tenantIds: [...tenantIds] } },
  );
}

function lastOperator(): AppError {
  return new AppError(
    'conflict',
    'last_operator',
    'Nobody else runs this server. Make another operator first.',
  );
}

function hasMoney(reason: 'hold' | 'debt' | 'balance', message: string): AppError {
  return new AppError('conflict', 'account_has_money', message, { details: { reason } });
}

function changedMeanwhile(): AppError {
  return new AppError(
    'conflict',
    'conflict',
    'Your tenants have changed meanwhile. Look at them and ask again.',
  );
}

function tooLate(): AppError {
  return new AppError('conflict', 'conflict', 'The account is being deleted: the time to undo it is over.');
}
