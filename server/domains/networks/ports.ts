import type { AccountActor } from '../../kernel/actor.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { Network } from './types.ts';

/** Who is connected now. */
export interface NetworkDevices {
  /** The device doesn't belong to the network any more: it is cut off there at once. */
  left(deviceId: DeviceId, networkId: NetworkId): Promise<void>;
}

/** Where networks are kept. Each way shows an account only the networks that its membership is for. */
export interface NetworkStore {
  /** Adds the network, unless its name is taken in the tenant or the tenant has `networksMax` already. */
  addNetwork(
    actor: AccountActor,
    network: Network,
    networksMax: number,
  ): Promise<'added' | 'name_taken' | 'limit_reached'>;
  findNetwork(actor: AccountActor, networkId: NetworkId): Promise<Network | null>;
  /** In order of creation, those behind `after`. */
  listNetworks(
    actor: AccountActor,
    after: ListPosition<NetworkId> | null,
    limit: number,
  ): Promise<readonly Network[]>;
  renameNetwork(
    actor: AccountActor,
    networkId: NetworkId,
    name: string,
  ): Promise<'renamed' | 'name_taken' | 'not_found'>;
  /** Gives the devices that belonged to it; null: there was no such network. */
  removeNetwork(actor: AccountActor, networkId: NetworkId): Promise<readonly DeviceId[] | null>;
}
