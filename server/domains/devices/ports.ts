import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import type { AccountId, CredentialId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { NetworkService } from '../networks/index.ts';
import type { TenantService } from '../tenants/index.ts';
import type { Device, DeviceCapabilities, DeviceIdentity, Membership } from './types.ts';

/** SHA-256 of a secret's UTF-8 bytes. */
export type TokenHash = (secret: string) => Uint8Array;

/** Who is connected now. */
export interface Presence {
  isOnline(deviceId: DeviceId): boolean;
  /**
   * The device belongs to the network of this tenant from now on: what is said there from here on is for it, on the
   * connections that it has open, too.
   */
  joined(device: { tenantId: TenantId; deviceId: DeviceId }, networkId: NetworkId): Promise<void>;
  /** The device doesn't belong to the network any more: it is cut off there at once. */
  left(deviceId: DeviceId, networkId: NetworkId): Promise<void>;
  /** Ends every connection of the device at once; how far it had read is kept. */
  endDevice(deviceId: DeviceId): void;
  /** Ends every connection of the device and forgets how far it had read. */
  forget(deviceId: DeviceId): Promise<void>;
}

/** The networks that an account sees. */
export type NetworkLookup = Pick<NetworkService, 'getNetwork' | 'findNetwork'>;

/** The tenants that invited an account. */
export type Invitations = Pick<TenantService, 'listInvitations'>;

/** A device as it is kept: without what only the running server knows. */
export type StoredDevice = Omit<Device, 'online'>;

/** A device's token as it is kept. */
export interface StoredToken {
  readonly tokenId: CredentialId;
  readonly tokenHash: Uint8Array;
}

/** What is kept of a new device's credentials. */
export interface DeviceSecrets extends StoredToken {
  readonly signingKeySealed: Uint8Array;
}

/** Where devices are kept. What an account doesn't see is, for each of these, not there. */
export interface DeviceStore {
  /** Adds the device to one network of its tenant, unless the actor sees its name, or `devicesMax` devices, there. */
  addDevice(
    actor: AccountActor,
    device: StoredDevice,
    secrets: DeviceSecrets,
    devicesMax: number,
  ): Promise<'added' | 'name_taken' | 'limit_reached' | 'network_not_found'>;
  findDevice(actor: AccountActor, deviceId: DeviceId): Promise<StoredDevice | null>;
  /** In order of creation, those behind `after`, of one network or (null) of all. */
  listDevices(
    actor: AccountActor,
    networkId: NetworkId | null,
    after: ListPosition<DeviceId> | null,
    limit: number,
  ): Promise<readonly StoredDevice[]>;
  renameDevice(
    actor: AccountActor,
    deviceId: DeviceId,
    name: string,
  ): Promise<'renamed' | 'name_taken' | 'not_found'>;
  /** Puts a token in the place of the device's token. False: there is no such device. */
  replaceToken(actor: AccountActor, deviceId: DeviceId, token: StoredToken): Promise<boolean>;
  /** False: there was none. */
  removeDevice(actor: AccountActor, deviceId: DeviceId): Promise<boolean>;
  /** A device's networks that the actor sees, in the order of ids, those behind `after`. */
  listNetworks(
    actor: AccountActor,
    deviceId: DeviceId,
    after: NetworkId | null,
    limit: number,
  ): Promise<readonly Membership[]>;
  /**
   * Puts a device of the actor's tenant into a network; `broughtBy` is the account where it is another tenant's network.
   * `network_not_found`: it, or the invitation, is gone. The membership as it is now, and whether it is new.
   */
  joinNetwork(
    actor: AccountActor,
    deviceId: DeviceId,
    membership: Membership,
    options: { readonly broughtBy: AccountId | null; readonly networksMax: number },
  ): Promise<
    { readonly isNew: boolean; readonly membership: Membership } | 'network_not_found' | 'limit_reached'
  >;
  /** False: the device wasn't there, as far as the actor sees. */
  leaveNetwork(actor: AccountActor, deviceId: DeviceId, networkId: NetworkId): Promise<boolean>;
  saveCapabilities(actor: DeviceActor, capabilities: DeviceCapabilities): Promise<void>;
  saveLastSeen(actor: DeviceActor, atMs: number): Promise<void>;
  findByToken(
    tokenHash: Uint8Array,
  ): Promise<(Omit<DeviceIdentity, 'signingKey'> & { signingKeySealed: Uint8Array }) | null>;
  /** The sealed key of some device, whoever it belongs to; null where there is none. */
  findAnySealedKey(): Promise<{
    tenantId: TenantId;
    deviceId: DeviceId;
    signingKeySealed: Uint8Array;
  } | null>;
}
