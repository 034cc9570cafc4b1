import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { type AccountId, asId, type CredentialId, type TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import { fateOf, type LeavingMembership } from '../tenants/index.ts';
import { DELETIONS_PER_ROUND_MAX } from './limits.ts';
import type { DeletionStore, Estate, LiveConnections, MailSender, TenantMoney } from './ports.ts';

/** What it needs. */
export interface DeletionJobDependencies {
  readonly deletions: DeletionStore;
  readonly estate: Estate;
  readonly money: TenantMoney;
  readonly live: LiveConnections;
  /** Null: no mail can be sent. */
  readonly mail: MailSender | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Deletes the accounts whose time to undo it is over, some in each round. Each step can be done again, and the account itself goes last, so a
 * crash, a stop or a failure is made up for by the next round. What must wait (an open hold, a suspension, many devices)
 * waits, and the others don't wait for it.
 */
export function createDeletionJob(dependencies: DeletionJobDependencies): () => Promise<void> {
  const { deletions, clock, logger } = dependencies;
  return async () => {
    for (const accountId of await deletions.takeDue(clock.nowMs(), DELETIONS_PER_ROUND_MAX)) {
      try {
        await deleteAccount(accountId, dependencies);
      } catch (error) {
        logger.error(
          { operation: 'users.carryOutDeletions', accountId, error },
          'an account was not deleted and will be tried again',
        );
      }
    }
  };
}

async function deleteAccount(accountId: AccountId, dependencies: DeletionJobDependencies): Promise<void> {
  const { deletions, estate, live, mail, clock, random } = dependencies;
  const { homeTenantId, memberships } = await deletions.plan(accountId);
  const removed = memberships.filter((membership) => fateOf(membership) === 'removed');
  const removedTenantIds = removed.map(({ tenantId }) => tenantId);
  if (await mustWait(removedTenantIds, dependencies)) return;
  const actorIn = ({ tenantId, role }: LeavingMembership): AccountActor => ({
    kind: 'account',
    tenantId,
    accountId,
    credentialId: asId<CredentialId>(random.uuid()),
    role,
    networkIds: null,
    operator: false,
  });
  for (const membership of removed) {
    if (!(await estate.clear(actorIn(membership)))) return;
  }
  await deletions.promoteSuccessors(accountId);
  for (const membership of memberships) {
    const isKept = fateOf(membership) !== 'removed' && membership.tenantId !== homeTenantId;
    if (isKept) await estate.leave(actorIn(membership));
  }
  const outcome = await deletions.remove(accountId, removedTenantIds, clock.nowMs());
  if (outcome === null) return;
  live.endAccount(accountId);
  if (outcome.address !== null) {
    mail?.send({ to: outcome.address, subject: 'Your Yggdrasil account is deleted', text: DELETED_TEXT });
  }
}

/** True while money is held in one of these tenants, or one is suspended: it keeps what it has. */
async function mustWait(
  tenantIds: readonly TenantId[],
  { money, estate }: DeletionJobDependencies,
): Promise<boolean> {
  for (const tenantId of tenantIds) {
    if (estate.isSuspended(tenantId)) return true;
    if ((await money.read(tenantId)).hasOpenHold) return true;
  }
  return false;
}

const DELETED_TEXT = 'Your account is deleted. This is the last mail that this server sends you for it.\n';
