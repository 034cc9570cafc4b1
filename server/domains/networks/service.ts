import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { asId, type NetworkId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { NetworkDevices, NetworkStore } from './ports.ts';
import type { Network } from './types.ts';

/** The networks of a tenant. */
export interface NetworkService {
  /**
   * A new network of the actor's tenant. Refuses with `forbidden`, `network_name_taken` and, where the tenant has as
   * many as it may have, `limit_reached`.
   */
  createNetwork(actor: Actor, name: string): Promise<Network>;
  /** One network that the actor may see. Refuses with `network_not_found` all others. */
  getNetwork(actor: Actor, networkId: NetworkId): Promise<Network>;
  /** The networks that the actor may see. */
  listNetworks(
    actor: Actor,
    after: ListPosition<NetworkId> | null,
    limit: number,
  ): Promise<Page<Network, ListPosition<NetworkId>>>;
  /** Gives a network another name. Refuses with `forbidden`, `network_not_found` and `network_name_taken`. */
  renameNetwork(actor: Actor, networkId: NetworkId, name: string): Promise<Network>;
  /** Deletes a network; its devices stay. Refuses with `forbidden` and `network_not_found`. */
  removeNetwork(actor: Actor, networkId: NetworkId): Promise<void>;
  /** One network that the account may see, or null. */
  findNetwork(actor: AccountActor, networkId: NetworkId): Promise<Network | null>;
}

/** Builds the service; `networksMax`: how many a tenant may have. */
export function createNetworkService(
  { networksMax }: { readonly networksMax: number },
  dependencies: {
    store: NetworkStore;
    devices: NetworkDevices;
    clock: Clock;
    random: Random;
  },
): NetworkService {
  const { store, devices, clock, random } = dependencies;

  const getNetwork = async (actor: Actor, networkId: NetworkId): Promise<Network> => {
    const network = await store.findNetwork(requirePermission(actor, 'networks.read'), networkId);
    if (network === null) throw notFound('network');
    return network;
  };

  return {
    async createNetwork(actor, name) {
      const account = requirePermission(actor, 'networks.manage');
      const network: Network = {
        id: asId<NetworkId>(random.uuid()),
        tenantId: account.tenantId,
        name,
        createdAtMs: clock.nowMs(),
      };
      const outcome = await store.addNetwork(account, network, networksMax);
      if (outcome === 'name_taken') throw nameTaken();
      if (outcome === 'limit_reached') {
        throw new AppError('conflict', 'limit_reached', 'You have as many networks as you may have.', {
          details: { networksMax },
        });
      }
      return network;
    },

    getNetwork,

    async listNetworks(actor, after, limit) {
      const account = requirePermission(actor, 'networks.read');
      return pageOf(await store.listNetworks(account, after, limit + 1), limit, byCreation);
    },

    async renameNetwork(actor, networkId, name) {
      const account = requirePermission(actor, 'networks.manage');
      const outcome = await store.renameNetwork(account, networkId, name);
      if (outcome === 'name_taken') throw nameTaken();
      if (outcome === 'not_found') throw notFound('network');
      return getNetwork(actor, networkId);
    },

    async removeNetwork(actor, networkId) {
      const account = requirePermission(actor, 'networks.manage');
      const deviceIds = await store.removeNetwork(account, networkId);
      if (deviceIds === null) throw notFound('network');
      for (const deviceId of deviceIds) await devices.left(deviceId, networkId);
    },

    findNetwork: (actor, networkId) => store.findNetwork(actor, networkId),
  };
}

function nameTaken(): AppError {
  return new AppError('conflict', 'network_name_taken', 'You have a network of this name.');
}
