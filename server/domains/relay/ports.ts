import type { SigningKey } from '../../../assembly/host/index.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Membership } from '../devices/index.ts';
import type { FrameToStore, Peer, StoredFrame, StreamState } from './types.ts';

/** What the relay needs of the compute core. */
export interface RelayCore {
  importKey(secret: Uint8Array): SigningKey;
  verify(key: SigningKey, message: Uint8Array, tag: Uint8Array): boolean;
  signInto(key: SigningKey, message: Uint8Array, out: Uint8Array, outOffset: number): void;
  /** The tags of one message under many keys: 32 bytes each into `out`, in the order of `keys`. */
  signForKeys(message: Uint8Array, keys: readonly SigningKey[], out: Uint8Array): void;
}

/** What is counted. */
export interface RelayMetrics {
  frameForwarded(delivery: 'transient' | 'stored'): void;
  frameDropped(reason: 'slow_consumer'): void;
  batchStored(frames: number): void;
}

/** How far a device has read. */
export interface Cursor {
  /** The network's. */
  readonly tenantId: TenantId;
  readonly networkId: NetworkId;
  readonly deviceId: DeviceId;
  readonly streamOffset: number;
}

/** The last nonce of a source. */
export interface SourceNonce {
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
  readonly lastNonce: number;
}

/** Where streams are kept. */
export interface RelayStore {
  /**
   * Stores the frames in order, in one transaction, with the nonces of their sources. A frame that its source stored
   * before (same frame id) keeps its offset: `duplicate`. `epochs` gives an id for a stream that begins.
   */
  appendFrames(
    frames: readonly FrameToStore[],
    storedAt: Date,
    epochs: () => string,
  ): Promise<readonly { streamOffset: number; duplicate: boolean }[]>;
  /** Notes that the device belongs to the network of this tenant from here on, unless that was noted before. */
  beginCursor(
    device: { tenantId: TenantId; deviceId: DeviceId },
    networkId: NetworkId,
    epochs: () => string,
  ): Promise<void>;
  /** Begins the stream where there is none. */
  readState(peer: Peer, membership: Membership, epochs: () => string): Promise<StreamState>;
  /** The next frames behind `afterOffset` that are for this device, in order. */
  readPage(
    tenantId: TenantId,
    networkId: NetworkId,
    deviceId: DeviceId,
    afterOffset: number,
    limit: number,
  ): Promise<readonly StoredFrame[]>;
  findLastNonce(deviceId: DeviceId): Promise<number>;
  saveProgress(cursors: readonly Cursor[], nonces: readonly SourceNonce[]): Promise<void>;
  /** Forgets how far the device has read in this network. */
  forgetCursor(deviceId: DeviceId, networkId: NetworkId): Promise<void>;
  /** Forgets a device's cursors and nonce. */
  forgetDevice(deviceId: DeviceId): Promise<void>;
  /** Removes frames stored before `storedBefore` and those beyond the newest `framesMax` of a stream. */
  removeOldFrames(storedBefore: Date, framesMax: number): Promise<number>;
}
