import { FrameError, type FrameView, readFrame } from '../../../proto/index.ts';
import { relayError } from '../../domains/relay/index.ts';

/** A frame's borders and header. Refuses with `frame_malformed`, `frame_too_large`, `frame_version_unsupported`. */
export function decodeFrame(bytes: Uint8Array): FrameView {
  try {
    return readFrame(bytes);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw relayError(error.code, { cause: error });
  }
}
