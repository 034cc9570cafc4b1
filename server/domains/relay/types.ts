import type { SigningKey } from '../../../assembly/host/index.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { Membership } from '../devices/index.ts';

/** A device at the other end of a connection. */
export interface Peer {
  readonly actor: DeviceActor;
  /** The networks it belongs to. When they change the connection is ended. */
  readonly memberships: ReadonlyMap<NetworkId, Membership>;
  readonly signingKey: SigningKey;
  /** Later connections have higher numbers. */
  readonly number: number;
  /** Ends the connection and tells the device why. */
  close(reason: AppError): void;
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
  /** The oldest offset that is still kept; head + 1 when none is. */
  readonly oldest: number;
  /** Up to where the device has acknowledged; a device that never did starts where it joined. */
  readonly cursor: number;
}

/** A STORED frame on its way into the stream. `content` is header and payload, a copy of its own. */
export interface FrameToStore {
  readonly peer: Peer;
  readonly networkId: NetworkId;
  readonly frameId: string;
  readonly destinationId: string | null;
  readonly nonce: number;
  readonly content: Uint8Array;
}

/** A frame of the stream, as it is delivered. */
export interface StoredFrame {
  readonly streamOffset: number;
  readonly content: Uint8Array;
}
