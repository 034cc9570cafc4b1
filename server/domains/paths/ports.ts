import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { DeviceService } from '../devices/index.ts';
import type { NetworkService } from '../networks/index.ts';
import type { DevicePathRule, DirectPath, PathAnswer, PathEndReason, PathRules } from './types.ts';

/** Where the rules are kept. */
export interface PathStore {
  isNetworkPermitted(actor: AccountActor, networkId: NetworkId): Promise<boolean>;
  setNetworkPermitted(actor: AccountActor, networkId: NetworkId, isPermitted: boolean): Promise<void>;
  findDeviceRule(actor: AccountActor, deviceId: DeviceId): Promise<DevicePathRule>;
  setDeviceRule(actor: AccountActor, deviceId: DeviceId, rule: DevicePathRule): Promise<void>;
  isRelayed(networkId: NetworkId, pair: readonly [DeviceId, DeviceId]): Promise<boolean>;
  setRelayed(networkId: NetworkId, pair: readonly [DeviceId, DeviceId], isRelayed: boolean): Promise<void>;
  readRules(networkId: NetworkId, pair: readonly [DeviceId, DeviceId]): Promise<PathRules>;
}

/** The way to connected devices. False: it isn't connected. */
export interface PathOutlet {
  offer(path: DirectPath, fingerprint: Uint8Array): boolean;
  answer(path: DirectPath, answer: PathAnswer): boolean;
  ended(path: DirectPath, deviceId: DeviceId, reason: PathEndReason): boolean;
}

/** What the service needs. */
export interface PathDependencies {
  readonly store: PathStore;
  readonly devices: Pick<DeviceService, 'getDevice'>;
  readonly networks: Pick<NetworkService, 'getNetwork'>;
  readonly outlet: PathOutlet;
  readonly members: {
    /** Who owns the device; null: it isn't in the network. */
    tenantOf(networkId: NetworkId, deviceId: DeviceId): Promise<TenantId | null>;
  };
  readonly permissions: {
    /** Whether the source may send the target whatever it likes. */
    isUnlimited(networkId: NetworkId, sourceId: DeviceId, targetId: DeviceId): Promise<boolean>;
    /** The same at once, by what is in memory. */
    isUnlimitedNow(networkId: NetworkId, sourceId: DeviceId, targetId: DeviceId): boolean;
  };
  readonly presence: { roundTripMs(networkId: NetworkId, deviceId: DeviceId): number | null };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
