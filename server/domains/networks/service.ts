import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { asId, type NetworkId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { NETWORKS_PER_TENANT_MAX } from './limits.ts';
import type { NetworkStore } from './ports.ts';
import type { Network, NetworkPage } from './types.ts';

export interface NetworkService {
  /** A new network of the actor's tenant. Refuses with `network_name_taken` and, at 100 networks, `limit_reached`. */
  createNetwork(actor: Actor, name: string): Promise<Network>;
  /** One network of the actor's tenant. Refuses with `network_not_found` all others. */
  getNetwork(actor: Actor, networkId: NetworkId): Promise<Network>;
  /** The networks of the actor's tenant. */
  listNetworks(actor: Actor, after: NetworkId | null, limit: number): Promise<NetworkPage>;
}

/** Builds the service. */
export function createNetworkService(dependencies: {
  store: NetworkStore;
  clock: Clock;
  random: Random;
}): NetworkService {
  const { store, clock, random } = dependencies;
  return {
    async createNetwork(actor, name) {
      const { tenantId } = requirePermission(actor, 'networks.manage');
      const network: Network = {
        id: asId<NetworkId>(random.uuid()),
        tenantId,
        name,
        createdAt: new Date(clock.nowMs()),
      };
      const outcome = await store.addNetwork(network, NETWORKS_PER_TENANT_MAX);
      if (outcome === 'name_taken') {
        throw new AppError('conflict', 'network_name_taken', 'You have a network of this name.');
      }
      if (outcome === 'limit_reached') {
        throw new AppError('conflict', 'limit_reached', 'You have as many networks as you may have.', {
          details: { networksMax: NETWORKS_PER_TENANT_MAX },
        });
      }
      return network;
    },

    async getNetwork(actor, networkId) {
      const network = await store.findNetwork(requirePermission(actor, 'networks.read').tenantId, networkId);
      if (network === null) throw notFound('network');
      return network;
    },

    async listNetworks(actor, after, limit) {
      const networks = await store.listNetworks(
        requirePermission(actor, 'networks.read').tenantId,
        after,
        limit + 1,
      );
      const items = networks.slice(0, limit);
      return { items, next: networks.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
  };
}
