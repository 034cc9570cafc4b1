import type { DeviceActor } from '../../kernel/actor.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** Kinds of devices: microcontroller, desktop, mobile or browser, home server, any other platform. */
export const WORLD_TYPES = ['jotunheim', 'midgard', 'alfheim', 'asgard', 'ragnarok'] as const;
export type WorldType = (typeof WORLD_TYPES)[number];

/** Connected and heard from lately; connected and silent; not connected. */
export const DEVICE_STATUSES = ['active', 'inactive', 'offline'] as const;
export type DeviceStatus = (typeof DEVICE_STATUSES)[number];

/** What a device says it can do. */
export interface DeviceCapabilities {
  readonly platform: string;
  readonly firmware: string;
  readonly sensors: readonly string[];
  readonly actuators: readonly string[];
  readonly commands: readonly string[];
  /** The public key (X25519, 32 bytes in base64url) that others seal for; absent: there is none. */
  readonly sealKey?: string;
}

/** A device as an account sees it. */
export interface Device {
  readonly id: DeviceId;
  readonly name: string;
  /** What its owner calls it, unique in its tenant in either case; null: nothing, and of guests. */
  readonly assignedId: string | null;
  readonly worldType: WorldType;
  /** True for a device of another tenant: then neither its capabilities nor when it was seen are shown. */
  readonly guest: boolean;
  /** Those that the account sees. */
  readonly networkIds: readonly NetworkId[];
  readonly capabilities: DeviceCapabilities | null;
  /** Connected to this server now. */
  readonly online: boolean;
  /** Of a guest, only whether it is connected. */
  readonly status: DeviceStatus;
  readonly lastSeenAtMs: number | null;
  /** When it was registered; of a guest, when it joined the first network that the account sees. */
  readonly createdAtMs: number;
}

/** A device that was just registered, with the only copy of its credentials. */
export interface RegisteredDevice {
  readonly device: Device;
  readonly token: string;
  readonly signingKey: Uint8Array;
}

/** A network the device belongs to, whose it is, and since when. */
export interface Membership {
  readonly networkId: NetworkId;
  /** Who owns the network: not always the owner of the device. */
  readonly tenantId: TenantId;
  readonly joinedAtMs: number;
}

/** Who a device is, once its token was recognised. */
export interface DeviceIdentity {
  readonly actor: DeviceActor;
  readonly signingKey: Uint8Array;
}

/** A device that waits for its owner, with the only copy of its secret. */
export interface OpenClaim {
  readonly claimId: string;
  /** What it shows, in groups of three letters. */
  readonly code: string;
  /** What it comes for its credentials with. */
  readonly secret: string;
  readonly expiresAtMs: number;
}

/** What a device gets that was claimed: as who registers a device gets it. */
export interface ClaimCredentials {
  readonly deviceId: DeviceId;
  readonly networkId: NetworkId;
  readonly token: string;
  /** In base64url. */
  readonly signingKey: string;
}

/** The keys that a device opens a session with. */
export interface SessionKeys {
  /** Its static key, X25519: it has the private one. */
  readonly publicKey: Uint8Array;
  /** What it signs with what moves money, Ed25519; null: it signs nothing. */
  readonly signatureKey: Uint8Array | null;
}
