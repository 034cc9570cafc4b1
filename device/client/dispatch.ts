import { FrameType } from '../../proto/index.ts';
import type { Listeners } from './listeners.ts';
import { decodeCapabilities, decodeCommand, decodeEvent, type ReceivedFrame } from './messages.ts';
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
      const event = decodeEvent(frame.payload);
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
    default:
      return listeners.emit('frame', frame);
  }
}
