import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { PathDependencies } from './ports.ts';
import type { DevicePathRule, PathPair } from './types.ts';

/** Two devices of a network that have a connection. */
export interface ConnectedPair {
  readonly networkId: NetworkId;
  readonly sourceId: DeviceId;
  readonly targetId: DeviceId;
}

/** What owners say of direct paths. */
export interface PathRuleService {
  /** Whether devices of a network may have direct paths; they may not unless its owner says so. Refuses with `network_not_found`. */
  isNetworkPermitted(actor: Actor, networkId: NetworkId): Promise<boolean>;
  setNetworkPermitted(actor: Actor, networkId: NetworkId, isPermitted: boolean): Promise<void>;
  /** What the owner of a device says. Refuses with `device_not_found`, `device_of_other_tenant`. */
  getDeviceRule(actor: Actor, deviceId: DeviceId): Promise<DevicePathRule>;
  setDeviceRule(actor: Actor, deviceId: DeviceId, rule: DevicePathRule): Promise<void>;
  /** Whether these two are kept on the relay. The pair is one that the actor sees. */
  isRelayed(pair: ConnectedPair): Promise<boolean>;
  setRelayed(actor: Actor, pair: ConnectedPair, isRelayed: boolean): Promise<void>;
}

/** Builds it. `changed` looks again at those paths of a network or a device that a change concerns, before anybody is answered. */
export function createPathRules(
  { store, networks, devices }: Pick<PathDependencies, 'store' | 'networks' | 'devices'>,
  changed: (id: NetworkId | DeviceId, concerned: (pair: PathPair) => boolean) => Promise<void>,
): PathRuleService {
  const requireOwn = async (account: AccountActor, deviceId: DeviceId) => {
    const device = await devices.getDevice(account, deviceId);
    if (device.guest)
      throw new AppError('forbidden', 'device_of_other_tenant', 'The device is a guest: its owner decides.');
  };
  return {
    async isNetworkPermitted(actor, networkId) {
      const account = requirePermission(actor, 'networks.read');
      await networks.getNetwork(account, networkId);
      return store.isNetworkPermitted(account, networkId);
    },

    async setNetworkPermitted(actor, networkId, isPermitted) {
      const account = requirePermission(actor, 'networks.manage');
      await networks.getNetwork(account, networkId);
      await store.setNetworkPermitted(account, networkId, isPermitted);
      await changed(networkId, (path) => path.networkId === networkId);
    },

    async getDeviceRule(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      await requireOwn(account, deviceId);
      return store.findDeviceRule(account, deviceId);
    },

    async setDeviceRule(actor, deviceId, rule) {
      const account = requirePermission(actor, 'devices.manage');
      await requireOwn(account, deviceId);
      await store.setDeviceRule(account, deviceId, rule);
      await changed(
        deviceId,
        ({ source, target }) => source.deviceId === deviceId || target.deviceId === deviceId,
      );
    },

    isRelayed: ({ networkId, sourceId, targetId }) => store.isRelayed(networkId, [sourceId, targetId]),

    async setRelayed(actor, { networkId, sourceId, targetId }, isRelayed) {
      requirePermission(actor, 'devices.manage');
      await store.setRelayed(networkId, [sourceId, targetId], isRelayed);
      await changed(
        sourceId,
        ({ source, target }) =>
          [source.deviceId, target.deviceId].includes(sourceId) &&
          [source.deviceId, target.deviceId].includes(targetId),
      );
    },
  };
}
