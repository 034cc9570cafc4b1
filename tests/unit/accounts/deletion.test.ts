import { describe, expect, it } from 'vitest';
import { createDeletionJob } from '../../../server/domains/accounts/carry-out-deletions.ts';
import { createAccountDeletion } from '../../../server/domains/accounts/deletion.ts';
import type { DeletionStore, Estate, TenantMoney } from '../../../server/domains/accounts/ports.ts';
import { fateOf, type LeavingMembership } from '../../../server/domains/tenants/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { createMemoryLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';

const HOME = asId<TenantId>(uuid(1));
const ANN = asId<AccountId>(uuid(2));
const BOB = asId<AccountId>(uuid(3));

const alone: LeavingMembership = {
  tenantId: HOME,
  role: 'owner',
  otherOwners: 0,
  otherMembers: 0,
  successor: null,
};
const nothing = { hasOpenHold: false, balanceMicrocents: 0n, owedMicrocents: 0n };

/** A store of which only this is asked. */
const storeWith = (part: Partial<DeletionStore>) => part as DeletionStore;
const live = { endCredential() {}, endAccount() {}, accountChanged() {} };
const common = () => ({ live, mail: null, clock: new FakeClock(), random: createSeededRandom(1) });

describe('a deletion', () => {
  const actor: AccountActor = {
    kind: 'account',
    tenantId: HOME,
    accountId: ANN,
    credentialId: TEST_CREDENTIAL_ID,
    role: 'owner',
    networkIds: null,
    operator: false,
  };
  const deletionWith = (
    money: Partial<Awaited<ReturnType<TenantMoney['read']>>>,
    part: Partial<DeletionStore>,
  ) =>
    createAccountDeletion({
      ...common(),
      hash: () => new Uint8Array(32),
      deletions: storeWith({
        survey: async () => ({ removedTenantIds: [HOME], blockedTenantIds: [], isLastOperator: false }),
        request: async () => ({ address: null }),
        ...part,
      }),
      money: { read: async () => ({ ...nothing, ...money }) },
      deletionDelayMs: 1_000,
    });

  it.each([
    ['an open hold, of nothing even', { hasOpenHold: true }, true, 'hold'],
    ['a debt', { owedMicrocents: 1n }, true, 'debt'],
    ['the smallest balance', { balanceMicrocents: 1n }, false, 'balance'],
  ])('is refused with %s', async (_, money, givesUpBalance, reason) => {
    await expect(deletionWith(money, {}).requestDeletion(actor, { givesUpBalance })).rejects.toMatchObject({
      code: 'account_has_money',
      details: { reason },
    });
  });

  it('is accepted with a balance that is given up', async () => {
    const accepted = await deletionWith({ balanceMicrocents: 1n }, {}).requestDeletion(actor, {
      givesUpBalance: true,
    });
    expect(accepted.dueAtMs - accepted.requestedAtMs).toBe(1_000);
  });

  it.each([
    ['changed', 'conflict'],
    ['credential_gone', 'unauthenticated'],
  ] as const)('whose store says %s is refused with %s', async (outcome, code) => {
    const deletion = deletionWith({}, { request: async () => outcome });
    await expect(deletion.requestDeletion(actor, { givesUpBalance: false })).rejects.toMatchObject({ code });
  });

  it('is not undone when its time is over', async () => {
    const deletion = deletionWith({}, { cancel: async () => 'too_late' });
    await expect(deletion.restoreAccount(actor)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('the job', () => {
  /** The job over two accounts with a tenant each; what it does is noted. */
  const jobWith = (estate: Partial<Estate>, money = nothing) => {
    const done: string[] = [];
    const { logger, lines } = createMemoryLogger();
    const run = createDeletionJob({
      ...common(),
      logger,
      deletions: storeWith({
        takeDue: async () => [ANN, BOB],
        plan: async () => ({ homeTenantId: HOME, memberships: [alone] }),
        promoteSuccessors: async () => {},
        remove: async (accountId, tenantIds) => {
          done.push(`${accountId === ANN ? 'Ann' : 'Bob'} with ${tenantIds.length}`);
          return { address: null };
        },
      }),
      estate: { isSuspended: () => false, clear: async () => true, leave: async () => {}, ...estate },
      money: { read: async () => money },
    });
    return { run, done, lines };
  };

  it('removes each account whose tenant is empty, and comes back to one that failed', async () => {
    let fails = true;
    const clear = async (actor: AccountActor) => {
      if (fails && actor.accountId === ANN) throw new Error('a crash');
      return true;
    };
    const { run, done, lines } = jobWith({ clear });
    await run();
    expect([done, lines.length]).toEqual([['Bob with 1'], 1]);
    fails = false;
    await run();
    expect(done.slice(1)).toEqual(['Ann with 1', 'Bob with 1']);
  });

  it.each([
    ['a tenant has more than one round removes', { clear: async () => false }, nothing],
    ['a tenant is suspended', { isSuspended: () => true }, nothing],
    ['money is held', {}, { ...nothing, hasOpenHold: true }],
  ])('waits while %s', async (_, estate, money) => {
    const { run, done } = jobWith(estate, money);
    await run();
    expect(done).toEqual([]);
  });
});

describe('a tenant whose account goes', () => {
  it.each([
    ['removed', alone],
    ['removed', { ...alone, otherMembers: 2 }],
    ['handed_on', { ...alone, otherMembers: 1, successor: BOB }],
    ['left', { ...alone, otherMembers: 1, otherOwners: 1, successor: BOB }],
    ['left', { ...alone, role: 'administrator' }],
  ] as const)('is %s', (fate, membership) => {
    expect(fateOf(membership)).toBe(fate);
  });
});
