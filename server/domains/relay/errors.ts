import { AppError, type ErrorDetails, type ErrorKind } from '../../kernel/errors.ts';

/** What the relay refuses, and why it ends a session: kind and words. */
const RELAY_ERRORS = {
  frame_malformed: ['invalid', 'This is not a frame.'],
  frame_too_large: ['too_large', 'The frame is too large.'],
  frame_version_unsupported: ['invalid', 'This version of the frame is not spoken here.'],
  frame_type_unexpected: ['invalid', 'A device may not send this type of frame now.'],
  frame_source_wrong: ['invalid', 'The frame names another device as its source.'],
  frame_signature_wrong: ['invalid', 'The signature is wrong.'],
  frame_replayed: ['conflict', 'The nonce was used before, or is too far below the last one.'],
  frame_destination_unknown: ['not_found', 'There is no such device in this network.'],
  network_not_found: ['not_found', 'Network not found.'],
  session_replaced: ['conflict', 'The device connected again.'],
  window_exceeded: ['rate_limited', 'The device has more frames without an answer than WELCOME allows.'],
  storage_quota_exceeded: ['rate_limited', 'As much is stored for this network or its tenant as may be.'],
  consumer_too_slow: ['rate_limited', 'The device reads too slowly.'],
  unauthenticated: ['unauthenticated', 'The credential is not valid any more.'],
  unavailable: ['unavailable', 'The server can not serve this now. Try again.'],
} as const satisfies Record<string, readonly [ErrorKind, string]>;

export type RelayErrorCode = keyof typeof RELAY_ERRORS;

/** True for a refusal that says nothing against the frame: the same frame may be kept when it comes again. */
export function mayComeAgain(error: unknown): boolean {
  if (!(error instanceof AppError)) return true;
  return error.kind === 'unavailable' || error.kind === 'internal' || error.kind === 'rate_limited';
}

/** The error of a code. */
export function relayError(
  code: RelayErrorCode,
  options: { details?: ErrorDetails; cause?: unknown } = {},
): AppError {
  const [kind, message] = RELAY_ERRORS[code];
  return new AppError(kind, code, message, options);
}
