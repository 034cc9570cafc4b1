import type { FrameType } from '../../../proto/index.ts';
import type { DeliverySession } from '../../domains/relay/index.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { SessionFrames } from './frame-handler.ts';

/** What differs between the ways a device is connected. Everything else is the session's. */
export interface DeviceChannel {
  /** As it is called in logs. */
  readonly transport: 'websocket' | 'mqtt';
  readonly remoteAddress: string;
  /** STORED frames the device may have unacknowledged. */
  readonly windowFrames: number;
  /** True: the session follows every network of the device, also those it joins later. False: the one it named. */
  readonly followsEveryNetwork: boolean;
  /** True: the answer to a STORED frame is the channel's own acknowledgement, and no ACK frame is sent. */
  readonly acknowledgesItself: boolean;
  /** What HELLO and ACK do; null where the channel has means of its own for both. */
  readonly sessionFrames: SessionFrames | null;
  /** True while a wrong frame ends the connection. */
  readonly endsAtFirstRefusal: boolean;
  /** When the other end was heard from last, where the channel hears more than frames; milliseconds since 1970. */
  readonly heardAtMs?: number;
  /** Throws what a frame of this type is refused with, where the channel doesn't take it at this moment. */
  requireReady(type: FrameType): void;
  /** Sends a frame that nobody acknowledges. False: it was not sent, the device is gone or too slow. */
  send(frame: Uint8Array): boolean;
  /** Sends a frame of the stream, whose acknowledgement comes back to the session. False as with `send`. */
  sendStored(frame: Uint8Array, streamOffset: number, delivery: DeliverySession): boolean;
  /** The device belongs to other networks than before. */
  membershipsChanged?(): void;
  /** Ends the connection. Called at most once. */
  close(reason: AppError): void;
}
