import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import type { AccountId, CredentialId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { NetworkService } from '../networks/index.ts';
import type { TenantService } from '../tenants/index.ts';
import type {
  Device,
  DeviceCapabilities,
  DeviceIdentity,
  Membership,
  SessionKeys,
  WorldType,
} from './types.ts';

/** Reads certificates of devices and of who issues them. */
export interface DeviceCertificates {
  /** The SHA-256 of an authority's certificate in PEM; null: it is none that may issue others, or its time isn't now. */
  fingerprintOf(pem: string, nowMs: number): Uint8Array | null;
  /** Whose authority it is, and the name in the device's certificate; null: something about them, or the signature, is wrong. */
  check(
    shown: {
      readonly certificate: string;
      readonly authority: string;
      readonly signed: Uint8Array;
      readonly signature: Uint8Array;
    },
    nowMs: number,
  ): { readonly authority: Uint8Array; readonly name: string } | null;
}

/** SHA-256 of a secret's UTF-8 bytes. */
export type TokenHash = (secret: string) => Uint8Array;

/** A network, and whose it is. */
export type NetworkOfDevice = Pick<Membership, 'networkId' | 'tenantId'>;

/** Who is connected now. */
export interface Presence {
  /** When a device that is connected was heard from last, in milliseconds since 1970; null: it isn't connected. */
  heardAtMs(deviceId: DeviceId): number | null;
  /**
   * The device belongs to the network of this tenant from now on: what is said there from here on is for it, on the
   * connections that it has open, too.
   */
  joined(device: { tenantId: TenantId; deviceId: DeviceId }, networkId: NetworkId): Promise<void>;
  /** The device doesn't belong to the network any more: it is cut off there at once, and its sessions there are forgotten. */
  left(deviceId: DeviceId, network: NetworkOfDevice): Promise<void>;
  /** The device has another name, or says that it can do something else: that is kept. */
  changed(deviceId: DeviceId): void;
  /** Ends every connection of the device at once; how far it had read is kept. */
  endDevice(deviceId: DeviceId): void;
  /** Ends every connection that the device opened with this token, at once. */
  endToken(deviceId: DeviceId, tokenId: CredentialId): void;
  /** Ends every connection of the device, forgets how far it had read, and its sessions in these networks. */
  forget(deviceId: DeviceId, networks: readonly NetworkOfDevice[]): Promise<void>;
}

/** The networks that an account sees. */
export type NetworkLookup = Pick<NetworkService, 'getNetwork' | 'findNetwork'>;

/** Which tenants reach nothing at this moment. */
export interface Suspensions {
  has(tenantId: TenantId): boolean;
}

/** The tenants that invited an account. */
export type Invitations = Pick<TenantService, 'listInvitations'>;

/** A device as it is kept: without what only the running server knows. */
export type StoredDevice = Omit<Device, 'online' | 'status'>;

/** Which devices a list shows; null: all. */
export interface DeviceFilter {
  readonly networkId: NetworkId | null;
  readonly worldType: WorldType | null;
  readonly assignedId: string | null;
}

/** A device's token as it is kept. */
export interface StoredToken {
  readonly tokenId: CredentialId;
  readonly tokenHash: Uint8Array;
}

/** What is kept of a new device's credentials. */
export interface DeviceSecrets extends StoredToken {
  readonly signingKeySealed: Uint8Array;
}

/** What comes in the place of a device's credentials. */
export interface NextCredentials extends StoredToken {
  /** Null: the signing key stays. */
  readonly signingKeySealed: Uint8Array | null;
  /** Those that the device has are good until then; null: no longer. */
  readonly previousUntilMs: number | null;
}

/** What is kept of a device whose token was shown. */
export interface FoundCredentials extends Pick<DeviceIdentity, 'actor'> {
  readonly signingKeySealed: Uint8Array;
  /** Null: it is the device's present token. Otherwise it is the one before, and good until then. */
  readonly untilMs: number | null;
  /** The token before the one that was shown, which may still be good. */
  readonly previousTokenId: CredentialId | null;
}

/** A device that waits for its owner, as it is kept. */
export interface StoredClaim {
  readonly id: string;
  readonly codeHash: Uint8Array;
  readonly secretHash: Uint8Array;
  readonly worldType: WorldType;
  /** The key of its sessions of Ratatoskr; null: it said none. */
  readonly sessionKey: Uint8Array | null;
  readonly expiresAtMs: number;
}

/** Where devices are kept that wait for their owners. */
export interface ClaimStore {
  /** False: as many wait as may. */
  addClaim(claim: StoredClaim, nowMs: number, claimsMax: number): Promise<boolean>;
  /** Uses a code up; null: it is wrong, used or over. */
  takeClaim(
    codeHash: Uint8Array,
    nowMs: number,
  ): Promise<(Pick<StoredClaim, 'worldType' | 'sessionKey'> & { claimId: string }) | null>;
  /** The code is good again: the device could not be made. */
  giveBackClaim(claimId: string): Promise<void>;
  fillClaim(claimId: string, deviceId: DeviceId, credentialsSealed: Uint8Array): Promise<void>;
  findClaim(
    claimId: string,
    nowMs: number,
  ): Promise<{ secretHash: Uint8Array; credentialsSealed: Uint8Array | null } | null>;
  removeExpiredClaims(nowMs: number): Promise<void>;
}

/** The tokens that a device had when it got another one. */
export interface ReplacedTokens {
  readonly previousTokenId: CredentialId;
  /** The one before that, where it still was good. */
  readonly olderTokenId: CredentialId | null;
}

/** Where devices are kept. What an account doesn't see is, for each of these, not there. */
export interface DeviceStore {
  /** Adds the device to one network of its tenant, unless the actor sees its name, or `devicesMax` devices, there, or the tenant has its assigned id. */
  addDevice(
    actor: AccountActor,
    device: StoredDevice,
    secrets: DeviceSecrets & { readonly sessionKey: Uint8Array | null },
    devicesMax: number,
  ): Promise<'added' | 'name_taken' | 'id_taken' | 'limit_reached' | 'network_not_found'>;
  findDevice(actor: AccountActor, deviceId: DeviceId): Promise<StoredDevice | null>;
  /** In order of creation, those behind `after` that the filter lets through. */
  listDevices(
    actor: AccountActor,
    filter: DeviceFilter,
    after: ListPosition<DeviceId> | null,
    limit: number,
  ): Promise<readonly StoredDevice[]>;
  /** Gives a device another name, and another assigned id unless that is undefined. */
  changeDevice(
    actor: AccountActor,
    deviceId: DeviceId,
    change: { readonly name: string; readonly assignedId: string | null | undefined },
  ): Promise<'changed' | 'name_taken' | 'id_taken' | 'not_found'>;
  /**
   * Puts credentials in the place of the device's own, which are good until then, too, where that isn't null. Older ones that still
   * were are not any more. `not_found`: there is no such device.
   */
  replaceCredentials(
    actor: AccountActor,
    deviceId: DeviceId,
    next: NextCredentials,
  ): Promise<ReplacedTokens | 'not_found'>;
  /** The credentials before the device's own, with this token, are good for nothing any more. */
  dropPreviousCredentials(deviceId: DeviceId, tokenId: CredentialId): Promise<void>;
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
  /** The tenant of the network; null: the device wasn't there, as far as the actor sees. */
  leaveNetwork(actor: AccountActor, deviceId: DeviceId, networkId: NetworkId): Promise<TenantId | null>;
  /** Every network of a device of this tenant, whoever brought it there. */
  findEveryNetwork(tenantId: TenantId, deviceId: DeviceId): Promise<readonly NetworkOfDevice[]>;
  /** What the device said it can do; null: nothing. */
  findCapabilities(actor: DeviceActor): Promise<DeviceCapabilities | null>;
  saveCapabilities(actor: DeviceActor, capabilities: DeviceCapabilities): Promise<void>;
  saveLastSeen(actor: DeviceActor, atMs: number): Promise<void>;
  /** Keeps the keys as those of the device's token, unless there are some. False: there is another. */
  bindSessionKeys(actor: DeviceActor, keys: SessionKeys): Promise<boolean>;
  /** Whose token this is, or was before its present one. */
  findByToken(tokenHash: Uint8Array): Promise<FoundCredentials | null>;
  /** A device's own credentials; null: it is gone. */
  findCredentials(deviceId: DeviceId): Promise<FoundCredentials | null>;
  /** The sealed key of some device, whoever it belongs to; null where there is none. */
  findAnySealedKey(): Promise<{
    tenantId: TenantId;
    deviceId: DeviceId;
    signingKeySealed: Uint8Array;
  } | null>;
}
