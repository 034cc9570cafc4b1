import { describe, expect, it } from 'vitest';
import type { ChangeOutcome, TenantStore } from '../../../server/domains/tenants/ports.ts';
import { createTenantService } from '../../../server/domains/tenants/service.ts';
import type { Membership, MembershipGrant } from '../../../server/domains/tenants/types.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import {
  type AccountId,
  asId,
  type DeviceId,
  type NetworkId,
  type TenantId,
} from '../../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';

const TENANT = asId<TenantId>(uuid(1));
const [OWNER, GUEST] = [asId<AccountId>(uuid(2)), asId<AccountId>(uuid(3))];
/** An account that is deleted after its membership was read. */
const GONE = asId<AccountId>(uuid(7));
const [KITCHEN, CELLAR] = [asId<NetworkId>(uuid(4)), asId<NetworkId>(uuid(5))];
const owner: AccountActor = {
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId: TENANT,
  accountId: OWNER,
  role: 'owner',
  networkIds: null,
  operator: false,
};
const guest: AccountActor = { ...owner, accountId: GUEST, role: 'guest', networkIds: [KITCHEN, CELLAR] };
const phone = { deviceId: asId<DeviceId>(uuid(6)), networkId: KITCHEN };

/** A service over one membership, the guest's; what it does to the outside is noted in order. */
function setUp() {
  const steps: string[] = [];
  const commit = { fails: false };
  const before: Membership = {
    tenantId: TENANT,
    accountId: GUEST,
    role: 'guest',
    networkIds: [KITCHEN, CELLAR],
    createdAtMs: 0,
  };
  const store: Pick<TenantStore, 'changeMember' | 'listMembers'> = {
    listMembers: async () => [before, { ...before, accountId: GONE }],
    async changeMember(_actor, _accountId, after, decide): Promise<ChangeOutcome> {
      const reason = decide({ before, owners: 1 });
      if (reason !== null) return { kind: 'refused', reason };
      if (commit.fails) throw new Error('the commit was not confirmed');
      steps.push('changed');
      const isKept = after !== null && (after.networkIds === null || after.networkIds.includes(KITCHEN));
      return { kind: 'done', before, left: isKept ? [] : [phone] };
    },
  };
  const clock = new FakeClock();
  const service = createTenantService({
    store: store as TenantStore,
    accounts: {
      findNames: async (_actor, ids) =>
        new Map(ids.filter((id) => id !== GONE).map((id) => [id, 'Somebody'])),
      findTenantOfAccount: async () => asId<TenantId>(uuid(9)),
      findAddress: async () => null,
    },
    invitations: {} as never,
    mail: null,
    limiter: { countAndCheck: () => null },
    random: {} as never,
    hash: () => new Uint8Array(32),
    broughtDevices: { left: async (devices) => void steps.push(`left ${devices.length}`) },
    live: {
      endAccount: ({ accountId }) => void steps.push(`ended ${accountId === GUEST ? 'guest' : 'another'}`),
      accountChanged: ({ accountId }) =>
        void steps.push(`changed ${accountId === GUEST ? 'guest' : 'another'}`),
    },
    clock,
  });
  const change = (role: MembershipGrant['role'], networkIds: NetworkId[] | null) =>
    service.changeMember(owner, GUEST, { role, networkIds });
  return { service, change, steps, commit };
}

describe('a membership that ends or shrinks', () => {
  it('ends what the account has open before its devices are cut off', async () => {
    const { service, steps } = setUp();
    await service.removeMember(owner, GUEST);
    expect(steps).toEqual(['changed', 'ended guest', 'left 1']);
  });

  it('ends what the account has open when it loses a network', async () => {
    const { change, steps } = setUp();
    await change('guest', [CELLAR]);
    expect(steps).toEqual(['changed', 'ended guest', 'left 1']);
  });

  it('ends what the account has open when it leaves by itself', async () => {
    const { service, steps } = setUp();
    await service.removeMember(guest, GUEST);
    expect(steps).toEqual(['changed', 'ended guest', 'left 1']);
  });

  it('ends what the account has open where nobody knows whether it ended', async () => {
    const { service, steps, commit } = setUp();
    commit.fails = true;
    await expect(service.removeMember(owner, GUEST)).rejects.toThrow('not confirmed');
    expect(steps).toEqual(['ended guest']);
  });

  it('ends nothing when it grows, and is seen at once', async () => {
    const { change, steps } = setUp();
    expect(await change('member', null)).toMatchObject({ role: 'member', networkIds: null });
    expect(steps).toEqual(['changed', 'changed guest', 'left 0']);
  });

  it('names each network once, in order', async () => {
    const { change } = setUp();
    expect((await change('guest', [CELLAR, KITCHEN, CELLAR])).networkIds).toEqual([KITCHEN, CELLAR]);
  });
});

describe('a member whose account is deleted meanwhile', () => {
  it('is not listed', async () => {
    const { items } = await setUp().service.listMembers(owner, null, 10);
    expect(items.map(({ accountId }) => accountId)).toEqual([GUEST]);
  });
});
