import type { FrameType, FrameView } from '../../../proto/index.ts';
import type { DeliverySession } from '../../domains/relay/index.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { FrameAnswer } from './frame-handlers.ts';

/** What differs between the ways a device is connected. Everything else is the session's. */
export interface DeviceChannel {
  /** As it is called in logs. */
  readonly transport: 'websocket' | 'mqtt';
  /** STORED frames the device may have unacknowledged. */
  readonly windowFrames: number;
  /** True: the device can be a provider over this channel. */
  readonly carriesProviders: boolean;
  /** True: the session follows every network of the device, also those it joins later. False: the one it named. */
  readonly followsEveryNetwork: boolean;
  /** True: an answer to a STORED frame is the channel's own acknowledgement, and no ACK frame is sent. */
  readonly acknowledgesItself: boolean;
  /**
   * Types of frames that only this channel has, with what they do. Null: the type is one of all channels, or of none.
   * Throws what a frame of this type is refused with at this moment.
   */
  handlerOf(type: FrameType): ((frame: FrameView) => FrameAnswer | Promise<FrameAnswer>) | null;
  /** Sends a frame that nobody acknowledges. False: it was not sent, the device is gone or too slow. */
  send(frame: Uint8Array): boolean;
  /** Sends a frame of the stream, whose acknowledgement comes back to the session. False as with `send`. */
  sendStored(frame: Uint8Array, streamOffset: number, delivery: DeliverySession): boolean;
  /** True while a wrong frame ends the connection. */
  readonly endsAtFirstRefusal: boolean;
  /** Ends the connection. Called at most once. */
  close(reason: AppError): void;
}
