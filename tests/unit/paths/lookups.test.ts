import { expect, it } from 'vitest';
import { LOOKUPS_MAX } from '../../../server/domains/paths/limits.ts';
import type { PathDependencies } from '../../../server/domains/paths/ports.ts';
import { createPathService } from '../../../server/domains/paths/service.ts';
import type { PathPeer } from '../../../server/domains/paths/types.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';

const [NETWORK, OTHER_NETWORK] = [asId<NetworkId>('n1'), asId<NetworkId>('n2')];
const [ONE, OTHER] = [asId<DeviceId>('d1'), asId<DeviceId>('d2')];
const TENANT = asId<TenantId>('t');

/** `meanwhile` happens while it is looked up whether a path is permitted. */
function setUp(meanwhile: (lookups: number) => void) {
  let lookups = 0;
  const service = createPathService({
    store: {
      async readRules() {
        meanwhile(++lookups);
        return { isPermitted: true, isRelayed: false, first: 'direct', second: 'direct' };
      },
    },
    members: { tenantOf: async () => TENANT },
    permissions: { isUnlimited: async () => true, isUnlimitedNow: () => true },
    outlet: { offer: () => true, answer: () => true, ended: () => true },
    presence: { roundTripMs: () => null },
    clock: new FakeClock(),
    random: createSeededRandom(1),
    logger: silentLogger,
  } as unknown as PathDependencies);
  const peer = { actor: { kind: 'device', deviceId: ONE, tenantId: TENANT }, networkId: NETWORK };
  const offer = () =>
    service.offer({ ...peer, networkTenantId: TENANT } as PathPeer, OTHER, new Uint8Array(32));
  return { service, offer, lookups: () => lookups };
}

it('looks up again what was changed meanwhile, in that network alone', async () => {
  const set = setUp((lookups) => {
    if (lookups === 1) set.service.permissionsChanged(NETWORK);
    set.service.permissionsChanged(OTHER_NETWORK);
  });
  expect(await set.offer()).toMatchObject({ state: 'asked' });
  expect(set.lookups()).toBe(2);
});

it('does not look it up without end where it is changed again and again', async () => {
  const set = setUp(() => set.service.permissionsChanged(NETWORK));
  await expect(set.offer()).rejects.toMatchObject({ code: 'direct_not_permitted' });
  expect(set.lookups()).toBe(LOOKUPS_MAX);
});
