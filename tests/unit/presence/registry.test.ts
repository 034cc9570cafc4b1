import { describe, expect, it } from 'vitest';
import { PresenceLog } from '../../../server/domains/presence/index.ts';
import type {
  ConnectionFilter,
  LiveConnection,
  PresenceChange,
} from '../../../server/domains/presence/types.ts';
import type { AccountActor, Actor, DeviceActor } from '../../../server/kernel/actor.ts';
import { AppError, InvariantError } from '../../../server/kernel/errors.ts';
import {
  type AccountId,
  asId,
  type CredentialId,
  type DeviceId,
  type NetworkId,
  type TenantId,
} from '../../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { createTestConnections } from '../../support/connections.ts';
import { uuid } from '../../support/frames.ts';

const [homeId, firmId] = [1, 2].map((number) => asId<TenantId>(uuid(number))) as [TenantId, TenantId];
const [kitchenId, garageId] = [3, 4].map((number) => asId<NetworkId>(uuid(number))) as [NetworkId, NetworkId];
const aliceId = asId<AccountId>(uuid(5));
const account = (tenantId: TenantId, accountId = aliceId): AccountActor => ({
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId,
  accountId,
  role: 'member',
  networkIds: null,
  operator: false,
});
const device = (number: number, tenantId = homeId): DeviceActor => ({
  kind: 'device',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId,
  deviceId: asId<DeviceId>(uuid(number)),
});
const phoneToken = asId<CredentialId>(uuid(40));
const reason = new AppError('unauthenticated', 'unauthenticated', 'gone');

function setUp() {
  const { connections, noted } = createTestConnections();
  const ended: string[] = [];
  const register = (name: string, actor: Actor, changes: Partial<LiveConnection> = {}) =>
    connections.arrive().register({
      kind: 'http',
      actor,
      concerns: () => true,
      end: ({ code }) => void ended.push(`${name}: ${code}`),
      ...changes,
    });
  const end = (filter: ConnectionFilter) => connections.end(filter, reason);
  return { connections, noted, ended, register, end };
}

describe('the registry of connections', () => {
  it('ends those that match everything that is given, and no others', () => {
    const { ended, register, end } = setUp();
    register('alice at home', { ...account(homeId), credentialId: phoneToken });
    register('alice at work', account(firmId));
    register('bob at home', account(homeId, asId<AccountId>(uuid(6))));
    register('lamp in the kitchen', device(7), { concerns: (networkId) => networkId === kitchenId });
    register('lamp in the garage', device(8), { concerns: (networkId) => networkId === garageId });
    expect(end({ accountId: aliceId, tenantId: firmId })).toBe(1);
    expect(end({ tenantId: homeId, networkId: kitchenId, deviceId: device(8).deviceId })).toBe(0);
    expect(end({ tenantId: homeId, networkId: garageId, deviceId: device(8).deviceId })).toBe(1);
    expect(end({ credentialId: phoneToken })).toBe(1);
    expect(end({ deviceId: device(7).deviceId })).toBe(1);
    expect(ended).toEqual(
      ['alice at work', 'lamp in the garage', 'alice at home', 'lamp in the kitchen'].map(
        (name) => `${name}: unauthenticated`,
      ),
    );
    expect(end({ tenantId: homeId })).toBe(1);
  });

  it('lets nobody in by what was ended while its credential was looked at', () => {
    const { connections, ended, end } = setUp();
    const connectionOf = (actor: Actor): LiveConnection => ({
      kind: 'http',
      actor,
      concerns: (networkId) => networkId === kitchenId,
      end: () => void ended.push('ended'),
    });
    const alice = { ...account(homeId), credentialId: phoneToken };
    const arrivals = [1, 2, 3, 4].map(() => connections.arrive());
    const [byToken, byOther, inKitchen, inGarage] = arrivals;
    expect(end({ credentialId: phoneToken })).toBe(0);
    expect(() => byToken?.register(connectionOf(alice))).toThrow(reason);
    byOther?.register(connectionOf(account(homeId)));
    expect(end({ deviceId: device(7).deviceId, networkId: kitchenId })).toBe(0);
    expect(() => inKitchen?.register(connectionOf(device(7)))).toThrow(reason);
    expect(end({ deviceId: device(8).deviceId, networkId: garageId })).toBe(0);
    inGarage?.register(connectionOf(device(8)));
    expect([connections.count, ended]).toEqual([2, []]);
  });

  it('lets in who arrives after what was ended, and ends who came in before', () => {
    const { connections, ended, register, end } = setUp();
    const alice = { ...account(homeId), credentialId: phoneToken };
    register('before', alice);
    expect(end({ credentialId: phoneToken })).toBe(1);
    register('after', alice);
    expect([connections.count, ended]).toEqual([1, ['before: unauthenticated']]);
  });

  it('ends each once, and none that was released', () => {
    const { connections, ended, register, end } = setUp();
    const release = register('one', device(7));
    register('two', device(7));
    release();
    release();
    expect(connections.count).toBe(1);
    expect([end({ deviceId: device(7).deviceId }), end({ deviceId: device(7).deviceId })]).toEqual([1, 0]);
    expect([ended, connections.count]).toEqual([['two: unauthenticated'], 0]);
  });

  it('refuses a filter that names nobody', () => {
    const { register, end } = setUp();
    register('one', device(7));
    expect(() => end({})).toThrow(InvariantError);
    expect(() => end({ networkId: kitchenId })).toThrow(InvariantError);
  });

  it('takes a device for online while it has a connection, and notes when the first came and the last went', () => {
    const { connections, noted, register } = setUp();
    const { deviceId } = device(7);
    expect(connections.isOnline(deviceId)).toBe(false);
    const releases = [register('one', device(7)), register('two', device(7))];
    releases[0]?.();
    expect([connections.isOnline(deviceId), noted.length]).toEqual([true, 1]);
    releases[1]?.();
    expect(connections.isOnline(deviceId)).toBe(false);
    expect(noted.map(({ connectedAtMs }) => connectedAtMs === null)).toEqual([false, true]);
  });
});

describe('the log of presence', () => {
  const change = (number: number, connectedAtMs: number | null): PresenceChange => ({
    deviceId: device(number).deviceId,
    tenantId: homeId,
    connectedAtMs,
  });

  it('writes the last change of each device once, and what could not be written the next time', async () => {
    const saved: (readonly PresenceChange[])[] = [];
    let failing = true;
    const log = new PresenceLog({
      saveChanges: async (changes) => {
        if (failing) throw new Error('the database is gone');
        saved.push(changes);
      },
    });
    log.note(change(1, 5));
    log.note(change(1, null));
    log.note(change(2, 6));
    await expect(log.save()).rejects.toThrow();
    log.note(change(2, null));
    failing = false;
    await log.save();
    await log.save();
    expect(saved.map((changes) => new Set(changes))).toEqual([new Set([change(1, null), change(2, null)])]);
  });
});
