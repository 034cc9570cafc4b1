import type { AccountActor } from '../../kernel/actor.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { NetworkService } from '../networks/index.ts';
import type { DescribedDevice, DiscoveryNetwork, KnownReading } from './types.ts';

/** The networks that an account sees. */
export type NetworkLookup = Pick<NetworkService, 'getNetwork'>;

/** Which networks announce their devices. */
export interface DiscoveryStore {
  isOn(actor: AccountActor, networkId: NetworkId): Promise<boolean>;
  save(actor: AccountActor, networkId: NetworkId, isOn: boolean): Promise<void>;
  /** True: the device announces itself there. */
  isOwn(networkId: NetworkId, deviceId: DeviceId): Promise<boolean>;
  /** It does, as long as it belongs to the network. */
  saveOwn(network: DiscoveryNetwork, deviceId: DeviceId): Promise<void>;
  /** All that do. */
  listOn(): Promise<readonly DiscoveryNetwork[]>;
}

/** What is known of devices, whoever they belong to. */
export interface DeviceDirectory {
  /** Those that there are. */
  describe(deviceIds: readonly DeviceId[]): Promise<readonly DescribedDevice[]>;
  /** The devices of a network. */
  listOf(networkId: NetworkId): Promise<readonly DeviceId[]>;
  /** The readings of a device in a network. */
  listReadings(networkId: NetworkId, deviceId: DeviceId): Promise<readonly KnownReading[]>;
  isOnline(deviceId: DeviceId): boolean;
}

/** The tree of a network, for what the server says there itself: retained messages. */
export interface NetworkTopics {
  publish(network: DiscoveryNetwork, topic: string, payload: string): Promise<void>;
  clear(network: DiscoveryNetwork, filters: readonly string[]): Promise<void>;
  read(network: DiscoveryNetwork, filter: string): Promise<ReadonlyMap<string, string>>;
}
