import { describe, expect, it } from 'vitest';
import type { RightsStore } from '../../../server/domains/topic-rights/ports.ts';
import { createTopicRightsService } from '../../../server/domains/topic-rights/service.ts';
import type { KeptRights, RightsHolder } from '../../../server/domains/topic-rights/types.ts';
import { asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { newOwner } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';

const networkId = asId<NetworkId>(uuid(1));
const otherNetworkId = asId<NetworkId>(uuid(2));
const deviceId = asId<DeviceId>(uuid(3));
const OWN = { networkId, deviceId, isGuest: false };
const GUEST = { networkId, deviceId: asId<DeviceId>(uuid(4)), isGuest: true };
const NOTHING = { publish: [], subscribe: [] };

function serviceWith(networks: readonly NetworkId[] = []) {
  const kept = new Map<RightsHolder, KeptRights>();
  const asked: NetworkId[] = [];
  let answer: () => Promise<void> = async () => undefined;
  const store: RightsStore = {
    list: async () => [...kept.values()],
    set: async (_actor, _networkId, rights) => {
      kept.set(rights.holder, rights);
      return 'kept';
    },
    remove: async (_actor, _networkId, holder) => kept.delete(holder),
    listNetworks: async () => networks,
    async find(device) {
      asked.push(device.networkId);
      const found = kept.get(device.deviceId) ?? (device.isGuest ? kept.get('guests') : undefined) ?? null;
      await answer();
      return found;
    },
  };
  const service = createTopicRightsService({
    store,
    networks: { getNetwork: async () => ({}) as never },
    clock: new FakeClock(),
  });
  const slowly = (wait: () => Promise<void>) => {
    answer = wait;
  };
  return { service, asked, slowly };
}

describe('rights by topic', () => {
  it('are read for networks alone in which somebody has some', async () => {
    const { service, asked } = serviceWith([otherNetworkId]);
    expect(await service.find(OWN)).toBeNull();
    expect(asked).toEqual([]);
    await service.set(newOwner(), networkId, deviceId, NOTHING);
    expect(await service.find(OWN)).toMatchObject(NOTHING);
    await service.find({ ...OWN, networkId: otherNetworkId });
    expect(asked).toEqual([networkId, otherNetworkId]);
  });

  it('tell who follows them of a change, once, and nobody whom it does not concern', async () => {
    const { service } = serviceWith();
    const told: string[] = [];
    const follow = (name: string, device: typeof OWN) => service.follow(device, () => told.push(name));
    follow('own', OWN);
    follow('guest', GUEST);
    follow('elsewhere', { ...OWN, networkId: otherNetworkId });
    follow('gone', OWN).stop();
    await service.set(newOwner(), networkId, 'guests', NOTHING);
    expect(told).toEqual(['guest']);
    await service.set(newOwner(), networkId, deviceId, NOTHING);
    await service.remove(newOwner(), networkId, deviceId);
    await service.remove(newOwner(), networkId, deviceId);
    expect(told).toEqual(['guest', 'own']);
  });

  it('miss no change that comes while they are read', async () => {
    const { service, slowly } = serviceWith([networkId]);
    let goOn = () => {};
    slowly(
      () =>
        new Promise((resolve) => {
          goOn = resolve;
        }),
    );
    let isOld = false;
    const followed = service.follow(OWN, () => {
      isOld = true;
    });
    await service.set(newOwner(), networkId, deviceId, NOTHING);
    goOn();
    expect(await followed.rights).toBeNull();
    expect(isOld).toBe(true);
  });
});
