import type { AccountActor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { PermissionBook } from './permission-book.ts';
import type { PairingDependencies } from './ports.ts';
import type { PairingRules } from './types.ts';

/** The standing rules, by network and by device. */
export function createRules(
  book: PermissionBook,
  { store, networks, devices }: PairingDependencies,
): PairingRules {
  const requireOwn = async (account: AccountActor, deviceId: DeviceId) => {
    const device = await devices.getDevice(account, deviceId);
    if (!device.guest) return device;
    throw new AppError('forbidden', 'device_of_other_tenant', 'The device is a guest: its owner decides.');
  };
  return {
    async getRule(actor, networkId) {
      const account = requirePermission(actor, 'networks.read');
      await networks.getNetwork(account, networkId);
      return store.findRule(account, networkId);
    },

    async setRule(actor, networkId, rule) {
      const account = requirePermission(actor, 'networks.manage');
      await networks.getNetwork(account, networkId);
      await store.setRule(account, networkId, rule);
      await book.reload(networkId);
    },

    async isAsking(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      await requireOwn(account, deviceId);
      return store.isAsking(account, deviceId);
    },

    async setAsking(actor, deviceId, isAsking) {
      const account = requirePermission(actor, 'devices.manage');
      await requireOwn(account, deviceId);
      await store.setAsking(account, deviceId, isAsking);
      await book.reloadNetworksOf(deviceId);
    },
  };
}
