import {
  Command,
  decodePayload,
  Event,
  FrameType,
  type FrameView,
  PayloadError,
  Sealed,
} from '../../../proto/index.ts';

/** What a frame does, as far as its permission asks. */
export interface FrameContent {
  readonly type: FrameType;
  /** The name of the command or event; null: it has none that can be read. */
  readonly name: () => string | null;
}

/** What is in a frame; in a sealed one what its sender shows, which its receiver holds it to. */
export function contentOf(frame: FrameView): FrameContent {
  const { header, payload } = frame;
  if (header.type !== FrameType.SEALED) return { type: header.type, name: () => nameIn(frame) };
  const sealed = orNull(() => decodePayload(Sealed, payload));
  return { type: sealed?.type ?? FrameType.SEALED, name: () => sealed?.name || null };
}

function nameIn({ header, payload }: FrameView): string | null {
  return orNull(() => {
    if (header.type === FrameType.COMMAND) return decodePayload(Command, payload).name;
    return header.type === FrameType.EVENT ? decodePayload(Event, payload).name : null;
  });
}

/** Null for what can't be read. */
function orNull<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof PayloadError) return null;
    throw error;
  }
}
