import { Ack, Delivery, decodePayload, FrameType, type FrameView, Welcome } from '../../proto/index.ts';
import {
  decodeCapabilities,
  decodeCommand,
  decodeCommandResult,
  decodeError,
  decodeEvent,
  type FrameChannel,
} from '../client/index.ts';

/** Bytes that aren't a frame for this device; the message is the stable code of error.proto. */
export class UndecodableFrameError extends Error {
  constructor(code: string) {
    super(code);
    this.name = 'UndecodableFrameError';
  }
}

/** Verifies a frame and describes it as one line of JSON. Throws `UndecodableFrameError`. */
export function describeFrame(channel: FrameChannel, bytes: Uint8Array): string {
  const opened = channel.open(bytes);
  if (!opened.ok) throw new UndecodableFrameError(opened.reason);
  const { header, streamOffset } = opened.frame;
  const description = {
    ...header,
    type: (FrameType as Record<number, string>)[header.type]?.toLowerCase() ?? header.type,
    delivery: header.delivery === Delivery.STORED ? 'stored' : 'transient',
    streamOffset,
    payload: describePayload(opened.frame),
  };
  return JSON.stringify(description, (_key, value) =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value,
  );
}

/** The bytes of a line as `mosquitto_sub -F %x` prints it. Throws `UndecodableFrameError` for what isn't hexadecimal. */
export function bytesOfHexLine(line: string): Uint8Array {
  if (line.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(line))
    throw new UndecodableFrameError('not a line of hexadecimal');
  return Buffer.from(line, 'hex');
}

function describePayload({ header, payload }: FrameView): unknown {
  try {
    switch (header.type) {
      case FrameType.EVENT:
        return decodeEvent(payload);
      case FrameType.COMMAND:
        return decodeCommand(payload);
      case FrameType.COMMAND_RESULT:
        return decodeCommandResult(payload);
      case FrameType.CAPABILITIES:
        return decodeCapabilities(payload);
      case FrameType.ERROR:
        return decodeError(payload);
      case FrameType.ACK:
        return { offset: decodePayload(Ack, payload).offset };
      case FrameType.WELCOME: {
        const { sessionId, head, recovered, lastNonce } = decodePayload(Welcome, payload);
        return { sessionId, head: { epoch: head?.epoch, offset: head?.offset }, recovered, lastNonce };
      }
      default:
        return payload;
    }
  } catch {
    throw new UndecodableFrameError('frame_payload_malformed');
  }
}
