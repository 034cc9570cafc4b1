import { FrameType } from '../../proto/index.ts';
import { decodeAsk, decodeConnectionState } from './device-connections.ts';
import { decodeDifference } from './device-shadow.ts';
import type { Listeners } from './listeners.ts';
import {
  decodeCapabilities,
  decodeCommand,
  decodeEvent,
  decodeUndelivered,
  type ReceivedFrame,
  SERVER_ID,
} from './messages.ts';
import type { BifrostClientEvents } from './types.ts';

/**
 * Tells the listeners of a frame, and of what is in it. Returns what the asynchronous ones promised. Throws
 * `PayloadError` for a payload that isn't what the frame's type says.
 */
export function dispatch(
  listeners: Listeners<BifrostClientEvents>,
  frame: ReceivedFrame,
): Promise<unknown>[] {
  switch (frame.type) {
    case FrameType.EVENT: {
      const { isWill, ...said } = decodeEvent(frame.payload);
      // Only the server says that a device has vanished.
      const event = isWill && frame.madeByServer ? { ...said, isWill } : said;
      return [...listeners.emit('frame', frame), ...listeners.emit('event', { ...event, frame })];
    }
    case FrameType.CAPABILITIES: {
      const capabilities = decodeCapabilities(frame.payload);
      return [
        ...listeners.emit('frame', frame),
        ...listeners.emit('capabilities', { ...capabilities, frame }),
      ];
    }
    case FrameType.COMMAND: {
      const command = decodeCommand(frame.payload);
      return [...listeners.emit('frame', frame), ...listeners.emit('command', { ...command, frame })];
    }
    case FrameType.CONNECTION_ASK: {
      if (frame.sourceId !== SERVER_ID) return listeners.emit('frame', frame);
      const ask = decodeAsk(frame.payload);
      return [...listeners.emit('frame', frame), ...listeners.emit('ask', { ...ask, frame })];
    }
    case FrameType.CONNECTION_STATE: {
      if (frame.sourceId !== SERVER_ID) return listeners.emit('frame', frame);
      const connection = decodeConnectionState(frame.payload);
      return [...listeners.emit('frame', frame), ...listeners.emit('connection', { ...connection, frame })];
    }
    case FrameType.SHADOW_DIFFERENCE: {
      if (frame.sourceId !== SERVER_ID) return listeners.emit('frame', frame);
      const difference = decodeDifference(frame.payload);
      return [...listeners.emit('frame', frame), ...listeners.emit('difference', { ...difference, frame })];
    }
    case FrameType.DROPPED: {
      if (frame.sourceId !== SERVER_ID) return listeners.emit('frame', frame);
      const undelivered = decodeUndelivered(frame.payload);
      return [...listeners.emit('frame', frame), ...listeners.emit('undelivered', { ...undelivered, frame })];
    }
    default:
      return listeners.emit('frame', frame);
  }
}
