import type { DeviceId, NetworkId } from '../../kernel/ids.ts';

/** Why a device can't be reached, as codes of `error.proto`. */
export const ROUTE_REASONS = ['device_offline', 'connection_required'] as const;
export type RouteReason = (typeof ROUTE_REASONS)[number];

/** The way to a device in one network. */
export interface Route {
  readonly networkId: NetworkId;
  readonly deviceId: DeviceId;
  /** `direct`: what isn't stored goes there without the server, from the device that asks. Null: there is none now. */
  readonly path: 'relay' | 'direct' | null;
  readonly reason: RouteReason | null;
  /** Since when it is connected, and when it was heard from last; null of guests, and where nobody knows. */
  readonly sinceMs: number | null;
  readonly heardAtMs: number | null;
  /** From the device that asks, or from the server where none is named, to it and back, as it was measured last; null: it wasn't. */
  readonly roundTripMs: number | null;
}

/** The way to a device, as another device is told. */
export interface SealedRoute extends Route {
  /** The key that it is sealed for, in base64url; null: it has none. */
  readonly sealKey: string | null;
}
