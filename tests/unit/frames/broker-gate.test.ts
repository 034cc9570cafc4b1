import { describe, expect, it } from 'vitest';
import type { TopicRights } from '../../../server/domains/topic-rights/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { createBrokerGate } from '../../../server/transports/frames/broker-gate.ts';
import { newOwner, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { uuid } from '../../support/frames.ts';

const networkId = asId<NetworkId>(uuid(2));
const deviceId = asId<DeviceId>(uuid(3));

/** A gate with a device of a tenant in the network of another one. */
function gateOf(isSuspended = false, rights: TopicRights | null = null) {
  const guest = newOwner().tenantId;
  const actor = { kind: 'device', deviceId, tenantId: guest, credentialId: TEST_CREDENTIAL_ID } as const;
  const membership = { networkId, networkTenantId: newOwner().tenantId, joinedAtMs: 1 };
  const signedIn: DeviceId[] = [];
  const gate = createBrokerGate({
    secret: 'x'.repeat(32),
    devices: {
      authenticate: async (token) => (token === 'right' ? { actor, signingKey: new Uint8Array(32) } : null),
    },
    signedIn: (id) => void signedIn.push(id),
    memberships: { findMemberships: async () => [membership] as never },
    topicRights: { find: async ({ isGuest }) => (isGuest ? rights : null) },
    findActor: async (id) => (id === deviceId ? actor : null),
    suspended: { has: (tenantId) => isSuspended && tenantId === guest },
  });
  const may = (topic: string, changes: { username?: string; mountpoint?: string } = {}) =>
    gate.authorize({ username: deviceId, action: 'publish', mountpoint: '', ...changes, topic });
  return { gate, may, signedIn };
}

describe('a broker that asks', () => {
  const own = `networks/${networkId}/devices/${deviceId}/readings/t`;

  it('is told no for what a device of a suspended tenant wants in the network of another one', async () => {
    expect(await gateOf().may(own)).toBe(true);
    expect(await gateOf(true).may(own)).toBe(false);
  });

  it('is told no for what a guest has no right to, and yes for its own topics', async () => {
    const { may } = gateOf(false, { publish: ['home/+'], subscribe: null });
    const network = `networks/${networkId}/`;
    expect(await may(`${network}home/a`)).toBe(true);
    expect(await may(`${network}home/a/b`)).toBe(false);
    expect(await may(own)).toBe(true);
  });

  it('is told no for other networks, other devices and who is unknown', async () => {
    const { may } = gateOf();
    const other = uuid(8);
    expect(
      await Promise.all([
        may(own.replace(networkId, other)),
        may(own.replace(deviceId, other)),
        may(own, { username: other }),
        may(own, { username: `${deviceId}@${other}` }),
        may('devices/x', { mountpoint: `networks/${other}/` }),
        may(`bifrost/v1/${other}/up`),
        may(`networks/${networkId}/devices/${other}/commands/led.set`),
      ]),
    ).toEqual(Array(7).fill(false));
  });

  it('says who has signed in, and nothing of who has not', async () => {
    const { gate, signedIn } = gateOf();
    const ask = (password: string) => gate.authenticate({ username: deviceId, password });
    expect([await ask('wrong'), signedIn]).toEqual([null, []]);
    expect([await ask('right'), signedIn]).toEqual([networkId, [deviceId]]);
  });

  it.each([null, '', 'y'.repeat(32), 'x'.repeat(31)])('with the secret %s is refused', (shown) => {
    expect(() => gateOf().gate.requireBroker(shown)).toThrow(/secret/);
  });
});
