import type { SigningKey } from '../../../assembly/host/index.ts';
import type { FrameView } from '../../../proto/index.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** How long frames are kept. */
export interface RelayOptions {
  /** Stored frames older than this are removed. */
  readonly retentionMs: number;
  /** The newest frames a network keeps. */
  readonly streamFramesMax: number;
}

/** Who a device is, and the key that its frames are signed with. */
export interface DeviceIdentity {
  readonly actor: DeviceActor;
  readonly signingKey: Uint8Array;
}

/** What devices of a network may send to each other. It follows what is decided while it is held. */
export interface SendRules {
  /** False: everything, and nothing else is looked at. */
  readonly isRestricted: boolean;
  /**
   * Null: this frame from one device to another may be sent. A promise: once it resolves. Throws or rejects with `connection_required`,
   * `connection_limited`.
   */
  requireAllowed(frame: FrameView): Promise<void> | null;
}

/** A group that a device is in, and the head of the stream when it joined. */
export interface JoinedGroup {
  readonly groupId: string;
  readonly joinedOffset: number;
}

/** Sets of devices of a network that a frame can be for. They follow what is changed while they are held. */
export interface MulticastGroups {
  /** Undefined: there is no such group. */
  membersOf(groupId: string): GroupMembers | undefined;
  groupsOf(deviceId: DeviceId): readonly JoinedGroup[];
}

/** The devices of a group. */
export interface GroupMembers {
  readonly size: number;
  has(deviceId: DeviceId): boolean;
  keys(): Iterable<DeviceId>;
}

/** A network that a device belongs to. */
export interface Membership {
  readonly networkId: NetworkId;
  /** Who owns the network, and so its stream: not always the owner of the device. */
  readonly networkTenantId: TenantId;
  /** Since when it belongs there. */
  readonly joinedAtMs: number;
  /** Without them it may send everything to every device there. */
  readonly sendRules?: SendRules;
  /** Without them a frame is for one device, or for all. */
  readonly groups?: MulticastGroups;
}

/** What a connection is told by the relay. */
export interface PeerEvents {
  /** The connection is over; the device is to be told why. */
  close(reason: AppError): void;
  /** The device belongs to other networks than before; sessions in those it lost have ended. */
  membershipsChanged(): void;
}

/** A device at the other end of a connection. */
export interface Peer extends PeerEvents {
  readonly actor: DeviceActor;
  /** The networks it belongs to at this moment. */
  readonly memberships: ReadonlyMap<NetworkId, Membership>;
  readonly signingKey: SigningKey;
  /** Later connections have higher numbers. */
  readonly number: number;
}

/** The way to a connected device. */
export interface DeliveryChannel {
  /** Unacknowledged STORED frames the device can take, 1..1000. */
  readonly windowFrames: number;
  /**
   * Hands a signed frame to the device. The bytes are valid during the call only. `streamOffset` is 0 for a TRANSIENT
   * frame. False: it was not sent, because the device is gone or too slow.
   */
  deliver(frame: Uint8Array, streamOffset: number): boolean;
}

/** A position in a network's stream; offsets begin at 1. */
export interface StreamPosition {
  readonly epoch: string;
  readonly offset: number;
}

/** Where a network's stream stands, as one device sees it. */
export interface StreamState {
  readonly epoch: string;
  readonly head: number;
  /** From here on nothing is gone that somebody hadn't read; head + 1 when nothing is kept. */
  readonly oldest: number;
  /** Up to here frames may be gone that all whom they were for had acknowledged. */
  readonly trimmedOffset: number;
  /** Up to where the device has acknowledged; a device that never did starts where it joined. */
  readonly cursor: number;
  /** The head when the device joined: what is before it was never for the device. */
  readonly joinedOffset: number;
}

/** A STORED frame on its way into the stream. `content` is header and payload, a copy of its own. */
export interface FrameToStore {
  readonly sourceId: DeviceId;
  /** Who owns the device that sends it. */
  readonly sourceTenantId: TenantId;
  readonly networkId: NetworkId;
  /** Who owns the network. */
  readonly tenantId: TenantId;
  readonly frameId: string;
  /** A device, a group, or (null) all. */
  readonly destinationId: DeviceId | null;
  /** The members of the group that it is for. */
  readonly receivers?: GroupMembers;
  /** False: nobody needs to ask whether the destination belongs to the network. It is connected there, for example. */
  readonly destinationUnknown: boolean;
  /** Null: the server made the frame for its source, whose nonces are its own. */
  readonly nonce: number | null;
  /** True: its nonce was used before. It is only looked for, never stored; `content` is empty. */
  readonly isRepetition: boolean;
  readonly content: Uint8Array;
}

/** What became of a frame that was to be stored. */
export type StoreOutcome =
  /** `duplicate`: it was stored before, at this offset. */
  { readonly kind: 'stored'; readonly streamOffset: number; readonly duplicate: boolean } | RefusedFrame;

/**
 * A frame that was not stored: its source doesn't belong to the network any more, or its destination doesn't, or it is the
 * repetition of a frame that isn't stored, or there is no room left for its network or its tenant.
 */
export interface RefusedFrame {
  readonly kind: 'refused';
  readonly reason:
    | 'network_not_found'
    | 'frame_destination_unknown'
    | 'frame_replayed'
    | 'storage_quota_exceeded';
}

/** A frame for one device that was removed before the device had acknowledged it. `tenantId` owns the network. */
export interface RemovedFrame {
  readonly networkId: NetworkId;
  readonly tenantId: TenantId;
  readonly frameId: string;
  readonly sourceId: DeviceId;
  readonly destinationId: DeviceId;
}

/** A frame of the stream, as it is delivered. */
export interface StoredFrame {
  readonly streamOffset: number;
  readonly content: Uint8Array;
}
