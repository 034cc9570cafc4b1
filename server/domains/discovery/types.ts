import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** A network, and who owns it. */
export interface DiscoveryNetwork {
  readonly networkId: NetworkId;
  readonly tenantId: TenantId;
}

/** What a device can do, as far as it matters here. */
export interface KnownCapabilities {
  readonly platform: string;
  readonly firmware: string;
  readonly sensors: readonly string[];
  readonly actuators: readonly string[];
  readonly commands: readonly string[];
}

/** A device that is to be announced. */
export interface DescribedDevice {
  readonly deviceId: DeviceId;
  readonly tenantId: TenantId;
  readonly name: string;
  /** What it said of itself; null: nothing. Of a guest of the network it is not shown. */
  readonly capabilities: KnownCapabilities | null;
  readonly networks: readonly DiscoveryNetwork[];
}

/** What a reading's values are; `unknown`: none was known yet. */
export type ReadingKind = 'number' | 'boolean' | 'text' | 'unknown';

/** A reading that a device has. */
export interface KnownReading {
  readonly name: string;
  readonly unit: string;
  readonly kind: ReadingKind;
}

/** A value that a device said, kept. */
export interface SaidValue extends DiscoveryNetwork {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly unit: string;
  readonly value: number | boolean | string | null;
  readonly atMs: number;
}
