import { FrameError, type FrameView, readFrame } from '../../../proto/index.ts';
import { AppError, type ErrorKind } from '../../kernel/errors.ts';

const FRAME_ERRORS: Record<FrameError['code'], [ErrorKind, string]> = {
  frame_malformed: ['invalid', 'This is not a frame.'],
  frame_too_large: ['too_large', 'The frame is too large.'],
  frame_version_unsupported: ['invalid', 'This version of the frame is not spoken here.'],
};

/** A frame's borders and header. Refuses with `frame_malformed`, `frame_too_large`, `frame_version_unsupported`. */
export function decodeFrame(bytes: Uint8Array): FrameView {
  try {
    return readFrame(bytes);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    const [kind, message] = FRAME_ERRORS[error.code];
    throw new AppError(kind, error.code, message, { cause: error });
  }
}
