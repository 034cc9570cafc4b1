import type { FrameView } from '../../../proto/index.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { DeliverySession } from './delivery-session.ts';
import type { DeviceOfTenant, FrameToDevice, MadeFrame, ServerFrame } from './made-frames.ts';
import type { NetworkDevice } from './ports.ts';
import type { DeliveryChannel, DeviceIdentity, Peer, PeerEvents, StreamPosition } from './types.ts';

/** Carries frames between the devices of one network; what is stored, in one order for all. */
export interface RelayService {
  /**
   * A device connected. Its frames are accepted from now on, until `disconnected`; `events` tells when the relay ends the
   * connection. Refuses with `unauthenticated` a device that was removed meanwhile.
   */
  connected(identity: DeviceIdentity, events: PeerEvents): Promise<Peer>;
  disconnected(peer: Peer): void;
  /** The highest nonce that came from this device. */
  lastNonce(peer: Peer): number;
  /**
   * Makes sure that a frame is this peer's, genuine, of one of its networks and, but for HELLO, new: in this order. `repeated`:
   * its nonce was used before, and it is for `findKept`, because its sender may not have heard that it is kept.
   * Refuses with `frame_source_wrong`, `frame_signature_wrong`, `network_not_found`, `frame_replayed`.
   */
  accept(peer: Peer, frame: FrameView): 'new' | 'repeated';
  /** An accepted frame was refused. If that says nothing against it, it may come again as it is. */
  refused(peer: Peer, frame: FrameView, error: unknown): void;
  /**
   * Forwards an accepted frame. A STORED frame's position in the stream, once it is kept; 0 for a TRANSIENT one.
   * Refuses with `frame_type_unexpected`, `frame_malformed`, `frame_too_large`, `frame_destination_unknown`,
   * `network_not_found`, `connection_required`, `connection_limited`, `storage_quota_exceeded`, `storage_full`, `unavailable`.
   */
  forward(peer: Peer, frame: FrameView): number | Promise<number>;
  /** The position in the stream of a repeated frame that is kept. Refuses as `forward` does, and with `frame_replayed` what isn't. */
  findKept(peer: Peer, frame: FrameView): Promise<number>;
  /**
   * Opens a session for delivery; one of an earlier connection of the device in this network ends. Nothing is sent before
   * `start`. Refuses with `network_not_found`, with `session_replaced` where a later connection has one, and with
   * `unauthenticated` when the connection is over.
   */
  openSession(
    peer: Peer,
    networkId: NetworkId,
    channel: DeliveryChannel,
    resume: StreamPosition | null,
  ): Promise<{ session: DeliverySession; head: StreamPosition; recovered: boolean }>;
  /** Takes a session out; the connection is gone. */
  closeSession(session: DeliverySession): void;
  /** A signed frame made by the server, for this device. */
  makeFrame(peer: Peer, frame: ServerFrame): Uint8Array;
  /**
   * A frame that the server makes in the name of a device that doesn't sign: with `made_by_server`, for `forward`. Nobody but
   * its receivers gets it signed.
   */
  makeFor(peer: Peer, frame: MadeFrame): FrameView;
  /** How long a STORED frame takes to a device and its acknowledgement back, as it was measured last; null: it wasn't. */
  roundTripMs(device: NetworkDevice): number | null;
  /** The offset of the last frame in a network's stream, 0 for none. */
  headOf(networkId: NetworkId): Promise<number>;
  /** True while the device can be told something in the network. */
  isConnected(device: NetworkDevice): boolean;
  /** Sends a frame of the server's own to a device that is connected in the frame's network, TRANSIENT. False: it isn't. */
  tell(deviceId: DeviceId, frame: ServerFrame): boolean;
  /**
   * Keeps a frame of the server's own for a device. Resolves when it is in the stream. Refuses with `frame_too_large`,
   * `frame_destination_unknown`, `storage_quota_exceeded`, `storage_full`, `unavailable`.
   */
  sendToDevice(frame: FrameToDevice): Promise<number>;
  /**
   * Keeps a frame for the network that the server makes in the name of a device, which may be away. Resolves when it is in the
   * stream. Refuses as `sendToDevice` does, and with `network_not_found` where the device isn't in the network.
   */
  sendInName(device: DeviceOfTenant, frame: Pick<MadeFrame, 'type' | 'payload'>): Promise<number>;
  /** The device belongs to the network from now on: what is said there from here on is for it. `tenantId` owns the network. */
  joined(tenantId: TenantId, device: NetworkDevice): Promise<void>;
  /** The device doesn't belong to the network any more: its sessions there end at once, how far it had read is forgotten. */
  left(device: NetworkDevice): Promise<void>;
  /** The device's networks may be others than before: reads them anew. How far it had read stays. */
  refreshNetworks(deviceId: DeviceId): Promise<void>;
  /** Ends every connection of the device and forgets how far it had read. */
  forget(deviceId: DeviceId): Promise<void>;
  /** Saves what devices acknowledged and which nonces were used. Called every second and before the end. */
  saveProgress(): Promise<void>;
  /** Looks for frames that other nodes stored and no message told of. */
  checkHeads(): Promise<void>;
  /** Removes frames past their retention. The number of frames removed. */
  removeOldFrames(): Promise<number>;
  /** Removes what everybody has acknowledged where frames found no room. */
  makeRoom(): Promise<void>;
  /** Ends all sessions with `unavailable`, waits until what was accepted is stored, saves progress. */
  stop(): Promise<void>;
  readonly sessionCount: number;
}
