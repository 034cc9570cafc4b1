import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission, seesNetwork } from '../../kernel/permission.ts';
import { NETWORKS_PER_DEVICE_MAX } from './limits.ts';
import type { DeviceStore, Invitations, NetworkLookup, Presence, StoredDevice } from './ports.ts';
import type { Membership } from './types.ts';

/** Which networks a device belongs to. */
export interface DeviceNetworks {
  /** The networks of a device, as far as the actor sees them. Refuses with `device_not_found`. */
  listDeviceNetworks(
    actor: Actor,
    deviceId: DeviceId,
    page: { after: NetworkId | null; limit: number },
  ): Promise<Page<Membership, NetworkId>>;
  /**
   * Puts a device of the actor's tenant into one more network: of the tenant, or of another that invited the account. A
   * device that is there already stays. Refuses with `forbidden`, `device_not_found`, `device_of_other_tenant`,
   * `network_not_found` and, at 100 networks, `limit_reached`.
   */
  addDeviceToNetwork(actor: Actor, deviceId: DeviceId, networkId: NetworkId): Promise<Membership>;
  /**
   * Takes a device, its own or a guest, out of a network; it is cut off there at once. Refuses with `forbidden`,
   * `device_not_found` and `network_not_found`.
   */
  removeDeviceFromNetwork(actor: Actor, deviceId: DeviceId, networkId: NetworkId): Promise<void>;
}

/** A device that the account sees. Refuses with `device_not_found` all others. */
export async function requireDevice(
  store: Pick<DeviceStore, 'findDevice'>,
  account: AccountActor,
  deviceId: DeviceId,
): Promise<StoredDevice> {
  const device = await store.findDevice(account, deviceId);
  if (device === null) throw notFound('device');
  return device;
}

/** The same, of the account's own tenant. Refuses a guest with `device_of_other_tenant`. */
export async function requireOwnDevice(
  store: Pick<DeviceStore, 'findDevice'>,
  account: AccountActor,
  deviceId: DeviceId,
): Promise<StoredDevice> {
  const device = await requireDevice(store, account, deviceId);
  if (!device.guest) return device;
  throw new AppError(
    'forbidden',
    'device_of_other_tenant',
    'The device is a guest: you can only take it out of your networks.',
  );
}

/** Builds this part of the service. */
export function createDeviceNetworks(dependencies: {
  readonly store: DeviceStore;
  readonly networks: NetworkLookup;
  readonly tenants: Invitations;
  readonly presence: Presence;
  readonly clock: Clock;
}): DeviceNetworks {
  const { store, networks, tenants, presence, clock } = dependencies;

  /** The tenant of a network of the account's, or of one that it was invited into. */
  const findTenantOf = async (account: AccountActor, networkId: NetworkId): Promise<TenantId | null> => {
    const own = await networks.findNetwork(account, networkId);
    if (own !== null) return own.tenantId;
    for (const invited of await tenants.listInvitations(account)) {
      if (!seesNetwork(invited, networkId)) continue;
      const network = await networks.findNetwork(invited, networkId);
      if (network !== null) return network.tenantId;
    }
    return null;
  };

  return {
    async listDeviceNetworks(actor, deviceId, { after, limit }) {
      const account = requirePermission(actor, 'devices.read');
      await requireDevice(store, account, deviceId);
      const found = await store.listNetworks(account, deviceId, after, limit + 1);
      return pageOf(found, limit, ({ networkId }) => networkId);
    },

    async addDeviceToNetwork(actor, deviceId, networkId) {
      const account = requirePermission(actor, 'devices.manage');
      await requireOwnDevice(store, account, deviceId);
      const tenantId = await findTenantOf(account, networkId);
      if (tenantId === null) throw notFound('network');
      const wanted = { networkId, tenantId, joinedAtMs: clock.nowMs() };
      const broughtBy = tenantId === account.tenantId ? null : account.accountId;
      const options = { broughtBy, networksMax: NETWORKS_PER_DEVICE_MAX };
      const outcome = await store.joinNetwork(account, deviceId, wanted, options);
      if (outcome === 'network_not_found') throw notFound('network');
      if (outcome === 'limit_reached') {
        throw new AppError('conflict', 'limit_reached', 'The device is in as many networks as it may be.', {
          details: { networksMax: NETWORKS_PER_DEVICE_MAX },
        });
      }
      if (outcome.isNew) await presence.joined({ tenantId, deviceId }, networkId);
      return outcome.membership;
    },

    async removeDeviceFromNetwork(actor, deviceId, networkId) {
      const account = requirePermission(actor, 'devices.manage');
      await requireDevice(store, account, deviceId);
      const tenantId = await store.leaveNetwork(account, deviceId, networkId);
      if (tenantId === null) throw notFound('network');
      await presence.left(deviceId, { networkId, tenantId });
    },
  };
}
