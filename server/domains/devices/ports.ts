import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Device, DeviceCapabilities, DeviceIdentity } from './types.ts';

/** SHA-256 of a secret's UTF-8 bytes. */
export type TokenHash = (secret: string) => Uint8Array;

/** Who is connected now. */
export interface Presence {
  isOnline(deviceId: DeviceId): boolean;
  /** The device belongs to the network now: what is said there from here on is for it. */
  joined(device: { tenantId: TenantId; deviceId: DeviceId }, networkId: NetworkId): Promise<void>;
  /** Ends every connection of the device and forgets how far it had read. */
  forget(deviceId: DeviceId): Promise<void>;
}

/** A device as it is kept: without what only the running server knows. */
export type StoredDevice = Omit<Device, 'online'>;

/** Where devices are kept. */
export interface DeviceStore {
  /** Adds the device to one network, unless its name is taken in the tenant or the tenant has `devicesMax` already. */
  addDevice(
    device: StoredDevice,
    networkId: NetworkId,
    secrets: { tokenHash: Uint8Array; signingKeySealed: Uint8Array },
    devicesMax: number,
  ): Promise<'added' | 'name_taken' | 'limit_reached'>;
  findDevice(tenantId: TenantId, deviceId: DeviceId): Promise<StoredDevice | null>;
  /** In order of creation, those behind `after`, of one network or (null) of all. */
  listDevices(
    tenantId: TenantId,
    networkId: NetworkId | null,
    after: DeviceId | null,
    limit: number,
  ): Promise<readonly StoredDevice[]>;
  /** False: there was none. */
  removeDevice(tenantId: TenantId, deviceId: DeviceId): Promise<boolean>;
  saveCapabilities(tenantId: TenantId, deviceId: DeviceId, capabilities: DeviceCapabilities): Promise<void>;
  saveLastSeen(tenantId: TenantId, deviceId: DeviceId, at: Date): Promise<void>;
  findByToken(
    tokenHash: Uint8Array,
  ): Promise<(Omit<DeviceIdentity, 'signingKey'> & { signingKeySealed: Uint8Array }) | null>;
  /** The sealed key of some device, whoever it belongs to; null where there is none. */
  findAnySealedKey(): Promise<{
    tenantId: TenantId;
    deviceId: DeviceId;
    signingKeySealed: Uint8Array;
  } | null>;
  isMember(tenantId: TenantId, networkId: NetworkId, deviceId: DeviceId): Promise<boolean>;
}
