import type { ErrorCodeName } from '../../proto/index.ts';

/** What only the client itself can find out; all other codes are the server's, from error.proto. */
export type ClientErrorCode =
  /** close() was called. */
  | 'client_closed'
  /** The caller's signal was aborted. */
  | 'aborted'
  /** No answer in time. A command may have been carried out all the same. */
  | 'timed_out'
  /** Too many STORED frames wait for their acknowledgement. */
  | 'outbox_full'
  /** The connection ended before the answer; what isn't STORED isn't sent again. */
  | 'session_lost';

/** A refusal, by the server (its code) or by the client (`ClientErrorCode`). */
export class BifrostError extends Error {
  readonly code: ErrorCodeName | ClientErrorCode;

  constructor(code: BifrostError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'BifrostError';
    this.code = code;
  }
}
