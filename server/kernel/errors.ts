import type { ErrorCodeName } from '../../proto/index.ts';

/**
 * What went wrong, as a class of answers. The kind alone decides HTTP status, WebSocket close code and log level
 * (`transports/error-table.ts`).
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'payment_required'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'too_large'
  | 'unsupported_media_type'
  | 'unprocessable'
  | 'rate_limited'
  | 'unavailable'
  | 'internal';

/** Facts for the caller beside the message: field problems, limits, seconds to wait. Never a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** A request that can't be served. Thrown by services, turned into an answer at the border of each transport. */
export class AppError extends Error {
  readonly kind: ErrorKind;
  readonly code: ErrorCodeName;
  readonly publicMessage: string;
  readonly details: ErrorDetails | undefined;

  constructor(
    kind: ErrorKind,
    code: ErrorCodeName,
    publicMessage: string,
    options: { details?: ErrorDetails; cause?: unknown } = {},
  ) {
    super(publicMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.kind = kind;
    this.code = code;
    this.publicMessage = publicMessage;
    this.details = options.details;
  }
}

/** Our own bug: a state that can't be. No handler catches it; the caller gets `internal`, the log gets the stack. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvariantError';
  }
}

/** The answer for what doesn't exist and for what another tenant owns: the same, byte for byte. */
export function notFound(
  what:
    | 'user'
    | 'token'
    | 'identity'
    | 'passkey'
    | 'tenant'
    | 'member'
    | 'invitation'
    | 'network'
    | 'device'
    | 'transaction'
    | 'dispute'
    | 'rating'
    | 'provider'
    | 'audit_record'
    | 'abuse_measure'
    | 'connection'
    | 'group'
    | 'response'
    | 'lock'
    | 'receipt'
    | 'action'
    | 'release'
    | 'release_key'
    | 'rollout',
): AppError {
  const name = what.charAt(0).toUpperCase() + what.slice(1).replaceAll('_', ' ');
  return new AppError('not_found', `${what}_not_found`, `${name} not found.`);
}

/** Refuses an input with `invalid_input` and says which field and why. */
export function invalidInput(message: string, details?: ErrorDetails): AppError {
  return new AppError('invalid', 'invalid_input', message, details === undefined ? {} : { details });
}
