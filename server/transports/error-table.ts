import { AppError, type ErrorKind } from '../kernel/errors.ts';
import type { LogFields, Logger } from '../kernel/logger.ts';

/** What a kind of error means at the borders. */
export interface ErrorTreatment {
  /** RFC 9110 section 15. */
  readonly httpStatus: number;
  /** RFC 6455 section 7.4: 4000 and up are ours, with the HTTP status in the last three digits. */
  readonly webSocketCloseCode: number;
  /** `error` is our fault, `warn` a refusal an operator wants to see, `info` everyday life. */
  readonly logLevel: 'info' | 'warn' | 'error';
}

/** The one table from which every transport answers and logs an AppError. */
export const errorTable: Readonly<Record<ErrorKind, ErrorTreatment>> = {
  invalid: { httpStatus: 400, webSocketCloseCode: 4400, logLevel: 'info' },
  unauthenticated: { httpStatus: 401, webSocketCloseCode: 4401, logLevel: 'warn' },
  payment_required: { httpStatus: 402, webSocketCloseCode: 4402, logLevel: 'info' },
  forbidden: { httpStatus: 403, webSocketCloseCode: 4403, logLevel: 'warn' },
  not_found: { httpStatus: 404, webSocketCloseCode: 4404, logLevel: 'info' },
  method_not_allowed: { httpStatus: 405, webSocketCloseCode: 4405, logLevel: 'info' },
  conflict: { httpStatus: 409, webSocketCloseCode: 4409, logLevel: 'info' },
  too_large: { httpStatus: 413, webSocketCloseCode: 4413, logLevel: 'warn' },
  unsupported_media_type: { httpStatus: 415, webSocketCloseCode: 4415, logLevel: 'info' },
  unprocessable: { httpStatus: 422, webSocketCloseCode: 4422, logLevel: 'info' },
  rate_limited: { httpStatus: 429, webSocketCloseCode: 4429, logLevel: 'warn' },
  unavailable: { httpStatus: 503, webSocketCloseCode: 4503, logLevel: 'warn' },
  internal: { httpStatus: 500, webSocketCloseCode: 1011, logLevel: 'error' },
};

/** An error as the AppError that the caller gets. What isn't one is our fault: `internal`, which tells nothing. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('internal', 'internal', 'Something went wrong on our side.', { cause: error });
}

/** Logs a refusal once, at the level of its kind: our own bugs with their stack. */
export function logRefusal(logger: Logger, error: AppError, fields: LogFields, message: string): void {
  const { logLevel } = errorTable[error.kind];
  const reason = logLevel === 'error' ? { error: error.cause ?? error } : {};
  logger[logLevel]({ ...fields, code: error.code, ...reason }, message);
}
