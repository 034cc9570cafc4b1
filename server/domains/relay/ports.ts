import type { SigningKey } from '../../../assembly/host/index.ts';
import type { ReplayWindowContent } from '../../../proto/replay-window.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import type { Bus } from '../../kernel/bus.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { StorageRoom } from '../../kernel/storage-room.ts';
import type {
  FrameToStore,
  JoinedGroup,
  Membership,
  RemovedFrame,
  StoredFrame,
  StoreOutcome,
  StreamState,
} from './types.ts';

/** What the relay needs of the compute core. */
export interface RelayCore {
  importKey(secret: Uint8Array): SigningKey;
  verify(key: SigningKey, message: Uint8Array, tag: Uint8Array): boolean;
  signInto(key: SigningKey, message: Uint8Array, out: Uint8Array, outOffset: number): void;
  /** The tags of one message under many keys: 32 bytes each into `tags`, in the order of `keys`. */
  signForKeys(message: Uint8Array, keys: readonly SigningKey[], tags: Uint8Array): void;
  /** The tags of many messages, each under its own key: 32 bytes each into `tags`, in their order. */
  signBatch(keys: readonly SigningKey[], messages: readonly Uint8Array[], tags: Uint8Array): void;
}

/** What is counted. */
export interface RelayMetrics {
  frameForwarded(delivery: 'transient' | 'stored'): void;
  frameDropped(reason: 'slow_consumer'): void;
  batchStored(frames: number): void;
}

/** A device in a network. */
export interface NetworkDevice {
  readonly networkId: NetworkId;
  readonly deviceId: DeviceId;
}

/** Who belongs to which network. */
export interface Memberships {
  /** The networks of a device; null where there is no such device. */
  findMemberships(actor: DeviceActor): Promise<readonly Membership[] | null>;
  isMember(device: NetworkDevice): Promise<boolean>;
}

/** A network, and who owns it and its stream. */
export type StreamOwner = Pick<Membership, 'networkId' | 'networkTenantId'>;

/** A network's stream, and the groups of who reads it. */
export interface StreamReading extends StreamOwner {
  readonly joinedGroups?: readonly JoinedGroup[];
}

/** How far a device has read. `tenantId` owns the network. */
export interface Cursor extends NetworkDevice {
  readonly tenantId: TenantId;
  readonly streamOffset: number;
}

/** Which nonces of a source were used. `tenantId` owns the device. */
export interface SourceNonces extends ReplayWindowContent {
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
}

/** What may be kept; a frame counts its content and `STORED_FRAME_BYTES`. */
export interface StorageQuotas {
  /** For one network. */
  readonly streamBytesMax: number;
  /** For all networks of a tenant. */
  readonly tenantBytesMax: number;
}

/** How far a network's stream goes. */
export interface StreamHead {
  readonly networkId: NetworkId;
  readonly head: number;
}

/** Where streams are kept. `tenantId` owns the network. */
export interface RelayStore {
  /**
   * Stores the frames in order, in one transaction, with the nonces of their sources; an outcome for each frame. A frame
   * that its source stored before (same frame id) keeps its offset. A repetition that was not stored before is refused
   * with `frame_replayed`, one without room under the quotas with `storage_quota_exceeded`. `epochs` gives an id for a stream that begins.
   */
  appendFrames(
    frames: readonly FrameToStore[],
    storedAtMs: number,
    epochs: () => string,
  ): Promise<readonly StoreOutcome[]>;
  /** Notes that the device belongs to the network from here on, unless that was noted before. Refuses with `network_not_found`. */
  beginCursor(tenantId: TenantId, device: NetworkDevice, epochs: () => string): Promise<void>;
  /** Begins the stream where there is none. Refuses with `network_not_found` a network that was removed. */
  readState(membership: Membership, deviceId: DeviceId, epochs: () => string): Promise<StreamState>;
  /**
   * The next frames of the network behind `afterOffset` that are for this device or a group of its, in order: `limit` at most, and no more
   * once they have `PAGE_BYTES_MAX`.
   */
  readPage(
    reader: DeviceActor,
    network: StreamReading,
    afterOffset: number,
    limit: number,
  ): Promise<readonly StoredFrame[]>;
  /** The heads of these networks' streams, of those that have one. */
  readHeads(networkIds: readonly NetworkId[]): Promise<readonly StreamHead[]>;
  /** The nonces that this source has used; none for one that is not known. */
  findNonces(deviceId: DeviceId): Promise<ReplayWindowContent>;
  /** Saves progress; nonces are added to those that are saved. */
  saveProgress(cursors: readonly Cursor[], nonces: readonly SourceNonces[]): Promise<void>;
  /** Forgets how far the device has read in a network; in all of them, and its nonces, where there is no network. */
  forgetDevice(deviceId: DeviceId, networkId: NetworkId | null): Promise<void>;
  /**
   * Removes frames stored before `storedBeforeMs` and those beyond the newest `framesMax` of a stream. `removed` is told of those
   * from one device to another that the other one never had, once they are gone.
   */
  removeOldFrames(
    storedBeforeMs: number,
    framesMax: number,
    removed?: (frames: readonly RemovedFrame[]) => void,
  ): Promise<number>;
  /**
   * Removes frames that all whom they are for have acknowledged, oldest first, from the streams of this tenant. False: there
   * are none left.
   */
  removeAcknowledged(tenantId: TenantId): Promise<boolean>;
}

/** Who else is to know what happens to devices in their networks. */
export interface NetworkEvents {
  /** The device belongs to the network from now on; waited for before it is served there. */
  joined(device: NetworkDevice): Promise<void>;
  left(device: NetworkDevice): void;
  /** A session began: the device can be told something. */
  sessionBegan(device: NetworkDevice): void;
  /** Frames were removed that their destinations never had. */
  removed(frames: readonly RemovedFrame[]): void;
}

/** What the relay needs. */
export interface RelayDependencies {
  readonly store: RelayStore;
  readonly memberships: Memberships;
  readonly core: RelayCore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  readonly room: StorageRoom;
  readonly events?: NetworkEvents;
}
