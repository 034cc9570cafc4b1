import type { DeviceActor } from '../../kernel/actor.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** Kinds of devices: microcontroller, desktop, mobile or browser, home server. */
export const WORLD_TYPES = ['jotunheim', 'midgard', 'alfheim', 'asgard'] as const;
export type WorldType = (typeof WORLD_TYPES)[number];

/** What a device says it can do. */
export interface DeviceCapabilities {
  readonly platform: string;
  readonly firmware: string;
  readonly sensors: readonly string[];
  readonly actuators: readonly string[];
  readonly commands: readonly string[];
}

export interface Device {
  readonly id: DeviceId;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly worldType: WorldType;
  readonly networkIds: readonly NetworkId[];
  readonly capabilities: DeviceCapabilities | null;
  /** Connected to this server now. */
  readonly online: boolean;
  readonly lastSeenAt: Date | null;
  readonly createdAt: Date;
}

/** A device that was just registered, with the only copy of its credentials. */
export interface RegisteredDevice {
  readonly device: Device;
  readonly token: string;
  readonly signingKey: Uint8Array;
}

/** A network the device belongs to, and since when. */
export interface Membership {
  readonly networkId: NetworkId;
  readonly joinedAt: Date;
}

/** Who a device is, once its token was recognised. */
export interface DeviceIdentity {
  readonly actor: DeviceActor;
  readonly memberships: readonly Membership[];
  readonly signingKey: Uint8Array;
}

export interface DevicePage {
  readonly items: readonly Device[];
  /** Pass it as `after` for the next page; null: there is none. */
  readonly next: DeviceId | null;
}
