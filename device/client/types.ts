import type { DeviceAsk, DeviceConnection } from './device-connections.ts';
import type { StateDifference } from './device-shadow.ts';
import type { PathStatus } from './direct/direct-paths.ts';
import type { BifrostError } from './errors.ts';
import type { DropReason } from './frame-channel.ts';
import type {
  DeviceCapabilities,
  DeviceCommand,
  DeviceEvent,
  ReceivedFrame,
  UndeliveredFrames,
} from './messages.ts';
import type { ShownPeerKey } from './peer-keys.ts';
import type { SealRefusal } from './sealing.ts';
import type { SessionEnd, SessionStart } from './session.ts';

/** `waiting`: between two tries to reconnect. `closed` is final. */
export type BifrostClientState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/** What a client can be listened to for. */
export type BifrostClientEvents = {
  /** A session began; also after every reconnect. */
  open: SessionStart;
  /** A session, or a try to begin one, ended. `retryInMs` null: for good, and `refusal` says why if we did not ask. */
  close: SessionEnd & { readonly retryInMs: number | null };
  /** Every verified frame, once; also those that have an event of their own below. */
  frame: ReceivedFrame;
  event: DeviceEvent & { readonly frame: ReceivedFrame };
  capabilities: DeviceCapabilities & { readonly frame: ReceivedFrame };
  /** Another device asks for something; answer with `client.answer(frame, result)`. */
  command: DeviceCommand & { readonly frame: ReceivedFrame };
  /** Another device asks to send to this one: answer with `client.connections.allow` or `deny`. */
  ask: DeviceAsk & { readonly frame: ReceivedFrame };
  /** A connection of this device stands otherwise than before. */
  connection: DeviceConnection & { readonly frame: ReceivedFrame };
  /**
   * What is wanted of this device and not so: at the start of each session where there is something, and whenever it changes. Whoever
   * listens needs no command `state.set` among its capabilities.
   */
  difference: StateDifference & { readonly frame: ReceivedFrame };
  /** Frames that were kept for one device are gone before it came for them: this one sent them, or they were for it. */
  undelivered: UndeliveredFrames & { readonly frame: ReceivedFrame };
  /** Another device showed its key for the first time, or another one than before: keep `client.peers.known`. */
  peerKey: ShownPeerKey;
  /** What isn't stored goes to another device over another path than before. */
  path: PathStatus;
  /** An ERROR that answers nothing that still waits. */
  error: { readonly error: BifrostError; readonly frame: ReceivedFrame };
  /** Bytes that were not believed: malformed, wrongly signed, or not for us. */
  dropped: { readonly reason: DropReason | SealRefusal | 'direct_not_permitted' };
};
