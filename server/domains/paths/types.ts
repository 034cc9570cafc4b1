import type { ErrorCodeName } from '../../../proto/index.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** What a device's owner says: direct paths are permitted; never; as the network has it, which a guest's owner isn't bound by. */
export const DEVICE_PATH_RULES = ['direct', 'relay', 'network'] as const;
export type DevicePathRule = (typeof DEVICE_PATH_RULES)[number];

/** What the owners say of two devices of a network. */
export interface PathRules {
  /** The network's owner permits direct paths. */
  readonly isPermitted: boolean;
  readonly first: DevicePathRule;
  readonly second: DevicePathRule;
  /** Somebody keeps these two on the relay. */
  readonly isRelayed: boolean;
}

/** A device in a network. */
export interface PathPeer {
  readonly actor: DeviceActor;
  readonly networkId: NetworkId;
  /** Who owns the network. */
  readonly networkTenantId: TenantId;
}

/** One end of a path. */
export interface PathEnd {
  readonly deviceId: DeviceId;
  readonly tenantId: TenantId;
  /** It may send whatever it likes to the other end. */
  readonly maySend: boolean;
}

/** Two devices of a network. */
export interface PathPair {
  readonly networkId: NetworkId;
  readonly source: Pick<PathEnd, 'deviceId'>;
  readonly target: Pick<PathEnd, 'deviceId'>;
}

/** A direct path between two devices, as the server knows it. */
export interface DirectPath {
  readonly id: string;
  readonly networkId: NetworkId;
  readonly networkTenantId: TenantId;
  /** Who offered it, and who was asked. */
  readonly source: PathEnd;
  readonly target: PathEnd;
  readonly state: 'asked' | 'answered' | 'up';
  readonly sinceMs: number;
  /** As it was measured last; null: it wasn't. */
  readonly roundTripMs: number | null;
  readonly lossPermille: number;
}

/** Where a device listens, and by which key it is known there. */
export interface PathAnswer {
  readonly pathId: string;
  readonly fingerprint: Uint8Array;
  /** None: it doesn't take the offer. */
  readonly addresses: readonly string[];
  readonly port: number;
}

/** What a device says of a path. */
export interface PathReport {
  readonly pathId: string;
  readonly isUp: boolean;
  readonly roundTripUs: number;
  readonly lossPermille: number;
}

/** How a path stands, for who offered, answered or reported. */
export interface PathStatus {
  readonly pathId: string;
  readonly state: 'asked' | 'up' | 'ended';
  /** Over the server, to the other and back; null: not measured. */
  readonly relayRoundTripMs: number | null;
}

/** Why a path has ended. */
export type PathEndReason = Extract<
  ErrorCodeName,
  'direct_not_permitted' | 'direct_path_not_found' | 'device_offline' | 'request_timed_out'
>;
