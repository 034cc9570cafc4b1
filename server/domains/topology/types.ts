import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { WorldType } from '../devices/index.ts';

/**
 * How a device is. `reachable`: connected and heard from lately. `silent`: connected, and not heard from for two and a half heartbeats.
 * `failing`: connected, and refused something or connecting anew again and again. `offline`: not connected.
 */
export const HEALTHS = ['reachable', 'silent', 'failing', 'offline'] as const;
export type Health = (typeof HEALTHS)[number];

/** How a device is connected. */
export const LINK_TRANSPORTS = ['websocket', 'mqtt', 'http'] as const;

/** A connection of a device. */
export interface Link {
  readonly transport: (typeof LINK_TRANSPORTS)[number];
  /** The node of the server that it ends at. */
  readonly nodeId: string;
  readonly sinceMs: number;
  /** When something came over it last; null: nobody looks. */
  readonly heardAtMs: number | null;
}

/** A device of a network and how it is connected. Of a guest only its health is shown. */
export interface TopologyDevice {
  readonly id: DeviceId;
  readonly name: string;
  readonly worldType: WorldType;
  readonly guest: boolean;
  readonly health: Health;
  readonly links: readonly Link[];
}

/** Devices of a network by health, and by what they say that they can do. */
export interface NetworkHealth {
  /** `healthy`: every device is reachable. `degraded`: some are. `down`: none is. `empty`: there is none. */
  readonly status: 'healthy' | 'degraded' | 'down' | 'empty';
  readonly counts: Readonly<Record<Health, number>>;
  readonly capabilities: Readonly<Record<CapabilityList, readonly CapabilityCount[]>>;
}

/** What a device says that it can do. */
export const CAPABILITY_LISTS = ['sensors', 'actuators', 'commands'] as const;
export type CapabilityList = (typeof CAPABILITY_LISTS)[number];

/** How many devices of the network can do something; guests don't say. */
export interface CapabilityCount {
  readonly name: string;
  readonly devices: number;
}

/** Something about a device of a network has changed. */
export interface TopologyChange {
  readonly networkId: NetworkId;
  readonly deviceId: DeviceId;
  readonly health: Health;
  readonly links: readonly Link[];
  readonly atMs: number;
}
