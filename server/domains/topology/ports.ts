import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { DeviceService } from '../devices/index.ts';
import type { NetworkService } from '../networks/index.ts';
import type { Link } from './types.ts';

/** The devices that an account sees. */
export type DeviceLookup = Pick<DeviceService, 'listDevices'>;

/** The networks that an account sees. */
export type NetworkLookup = Pick<NetworkService, 'getNetwork'>;

/** What devices have open on this node. */
export interface LiveLinks {
  linksOf(deviceId: DeviceId): readonly Link[];
  /** Who owns a connected device; null: it isn't connected. */
  ownerOf(deviceId: DeviceId): TenantId | null;
}

/** Which networks a device belongs to. */
export interface DeviceNetworkLookup {
  findNetworks(
    deviceId: DeviceId,
    tenantId: TenantId,
  ): Promise<readonly { readonly networkId: NetworkId; readonly networkTenantId: TenantId }[]>;
}
