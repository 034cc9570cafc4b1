import {
  Command,
  decodePayload,
  Event,
  FrameType,
  type FrameView,
  PayloadError,
} from '../../../proto/index.ts';

/** The name of the command or event in a frame; null: it has none that can be read. */
export function nameIn({ header, payload }: FrameView): string | null {
  try {
    if (header.type === FrameType.COMMAND) return decodePayload(Command, payload).name;
    return header.type === FrameType.EVENT ? decodePayload(Event, payload).name : null;
  } catch (error) {
    if (error instanceof PayloadError) return null;
    throw error;
  }
}
