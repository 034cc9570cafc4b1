import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { NetworkService } from '../networks/index.ts';
import type { KeptRights, RightsHolder, TopicRights } from './types.ts';

/** A device in a network, and whether it is a guest there. */
export interface DeviceInNetwork {
  readonly networkId: NetworkId;
  readonly deviceId: DeviceId;
  readonly isGuest: boolean;
}

/** Where rights are kept. */
export interface RightsStore {
  list(actor: AccountActor, networkId: NetworkId): Promise<readonly KeptRights[]>;
  /** Puts them in the place of those before. `full`: as many devices have some as may. `gone`: the device is not in the network. */
  set(
    actor: AccountActor,
    networkId: NetworkId,
    rights: KeptRights,
    holdersMax: number,
  ): Promise<'kept' | 'full' | 'gone'>;
  /** False: there were none. */
  remove(actor: AccountActor, networkId: NetworkId, holder: RightsHolder): Promise<boolean>;
  /** Networks in which somebody has rights, in the whole server. */
  listNetworks(): Promise<readonly NetworkId[]>;
  /** A device's own, else those of guests where it is one; null: it may use all topics. */
  find(device: DeviceInNetwork): Promise<TopicRights | null>;
}

/** What the service needs. */
export interface RightsDependencies {
  readonly store: RightsStore;
  readonly networks: Pick<NetworkService, 'getNetwork'>;
  readonly clock: Clock;
}
