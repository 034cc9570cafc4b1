import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Network } from './types.ts';

/** Where networks are kept. */
export interface NetworkStore {
  /** Adds the network, unless its name is taken in the tenant or the tenant has `networksMax` already. */
  addNetwork(network: Network, networksMax: number): Promise<'added' | 'name_taken' | 'limit_reached'>;
  findNetwork(tenantId: TenantId, networkId: NetworkId): Promise<Network | null>;
  /** In order of creation, those behind `after`. */
  listNetworks(tenantId: TenantId, after: NetworkId | null, limit: number): Promise<readonly Network[]>;
}
