import { describe, expect, it } from 'vitest';
import type { AccountActor, Actor, Role } from '../../../server/kernel/actor.ts';
import { asId } from '../../../server/kernel/ids.ts';
import { holderKind, may, PERMISSIONS, requirePermission } from '../../../server/kernel/permission.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';

const tenantId = asId<Actor['tenantId']>('00000000-0000-4000-8000-000000000001');
const account = (role: Role, changes: Partial<AccountActor> = {}): AccountActor => ({
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId,
  accountId: asId('00000000-0000-4000-8000-000000000002'),
  role,
  networkIds: null,
  operator: false,
  ...changes,
});
const device: Actor = {
  kind: 'device',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId,
  deviceId: asId('00000000-0000-4000-8000-000000000003'),
};
const allowed = (actor: Actor) => PERMISSIONS.filter((permission) => may(actor, permission)).sort();

const OWNER = [
  'account.manage',
  'account.prove',
  'account.read',
  'account.restore',
  'audit.read',
  'audit.witness',
  'devices.command',
  'devices.manage',
  'devices.read',
  'devices.remove',
  'locks.read',
  'locks.use',
  'market.read',
  'market.request',
  'market.sell',
  'members.manage',
  'members.read',
  'money.read',
  'networks.manage',
  'networks.read',
  'releases.manage',
  'releases.read',
  'sessions.open',
  'tenant.manage',
];
const ADMINISTRATOR = OWNER.filter((permission) => permission !== 'tenant.manage');
const GUEST = [
  'account.manage',
  'account.prove',
  'account.read',
  'account.restore',
  'devices.read',
  'locks.read',
  'market.read',
  'networks.read',
  'sessions.open',
];

describe('may', () => {
  it.each([
    ['an owner', account('owner'), OWNER],
    ['an administrator', account('administrator'), ADMINISTRATOR],
    [
      'a member',
      account('member'),
      ADMINISTRATOR.filter(
        (permission) =>
          !['audit.read', 'audit.witness', 'members.manage', 'networks.manage', 'releases.manage'].includes(
            permission,
          ),
      ),
    ],
    ['a guest', account('guest'), GUEST],
    [
      'a device',
      device,
      [
        'audit.witness',
        'frames.send',
        'locks.read',
        'locks.use',
        'market.provide',
        'market.read',
        'sessions.open',
      ],
    ],
    ['a part of the server', { kind: 'service', tenantId, service: 'jobs' } as const, []],
  ])('lets %s do this and nothing else', (_, actor, permissions) => {
    expect(allowed(actor)).toEqual(permissions);
  });

  it('lets an operator run the platform, and gives it no rights in a tenant', () => {
    expect(allowed(account('guest', { operator: true }))).toEqual([...GUEST, 'platform.operate'].sort());
  });

  it('keeps who is a member of single networks from the money and the people of the tenant', () => {
    const networkIds = [asId<NonNullable<AccountActor['networkIds']>[number]>(device.tenantId)];
    expect(allowed(account('owner', { networkIds }))).toEqual([
      'account.manage',
      'account.prove',
      'account.read',
      'account.restore',
      'devices.command',
      'devices.manage',
      'devices.read',
      'locks.read',
      'locks.use',
      'market.read',
      'networks.read',
      'sessions.open',
    ]);
  });

  it('lets an account that is to be deleted undo that, whoever it is', () => {
    expect(allowed(account('owner', { operator: true, isLeaving: true }))).toEqual(['account.restore']);
  });

  it('lets a sign-in that waits for a passkey bring that, whoever it is', () => {
    const partial = account('owner', { operator: true, isLeaving: true, isPartial: true });
    expect(allowed(partial)).toEqual(['account.prove']);
  });

  it('gives every permission to its kind of holder alone', () => {
    const owner = account('owner', { operator: true });
    for (const permission of PERMISSIONS) {
      const kind = holderKind(permission);
      expect([permission, may(owner, permission)]).toEqual([permission, kind !== 'device']);
      expect([permission, may(device, permission)]).toEqual([permission, kind !== 'account']);
    }
  });
});

describe('requirePermission', () => {
  it('gives the actor, or refuses with forbidden', () => {
    expect(requirePermission(device, 'frames.send')).toBe(device);
    expect(() => requirePermission(device, 'devices.read')).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
    expect(() => requirePermission(account('owner'), 'platform.operate')).toThrow(
      expect.objectContaining({
        code: 'forbidden',
        publicMessage: 'This needs an operator of the platform.',
      }),
    );
    expect(() => requirePermission(account('owner', { isLeaving: true }), 'networks.read')).toThrow(
      expect.objectContaining({ code: 'account_deletion_pending' }),
    );
  });
});
