import { AppError } from '../../kernel/errors.ts';

/** SQLSTATE 40001 serialization_failure, 40P01 deadlock_detected: the same transaction may succeed when run again. */
const RETRYABLE = new Set(['40001', '40P01']);

/** What the client says without a connection, and the SQLSTATEs of a server that ends the session, goes or is full. */
const UNREACHABLE = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  '25P03',
  '25P04',
  '53300',
  '57P01',
  '57P02',
  '57P03',
]);

/** System calls on a socket: what fails in them is the way to the database (a missing file is not). */
const SOCKET_CALLS = new Set(['connect', 'read', 'write', 'getaddrinfo']);

/** The code of an error of the client, the system or PostgreSQL; an empty text for any other. */
export function failureCode(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** True when the transaction may be run again as it is. */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE.has(failureCode(error));
}

/**
 * True where the tables of a prepared statement have changed since: the client prepares it anew the next time, and the same transaction
 * may succeed on the same connection.
 */
export function isStalePlan(error: unknown): boolean {
  return ((error ?? {}) as { routine?: unknown }).routine === 'RevalidateCachedQuery';
}

/** True when the database can't be reached or is not ready. SQLSTATE class 08 is "connection exception". */
export function isUnreachable(error: unknown): boolean {
  const code = failureCode(error);
  if (UNREACHABLE.has(code) || /^08\w{3}$/.test(code)) return true;
  const { syscall } = (error ?? {}) as { syscall?: unknown };
  return typeof syscall === 'string' && SOCKET_CALLS.has(syscall) && code.startsWith('E');
}

/** True where the database's disk has no room: SQLSTATE 53100 disk_full. */
export function isOutOfSpace(error: unknown): boolean {
  return failureCode(error) === '53100';
}

/** The refusal a caller gets while there is no database. Whether a lost commit took effect is not known. */
export function unavailable(cause?: unknown): AppError {
  return new AppError('unavailable', 'unavailable', 'The database is not available. Try again.', { cause });
}

/** SQLSTATE undefined_table. */
const UNDEFINED_TABLE = '42P01';

/** True for a statement about a table that isn't there: its migration has not run. */
export function isWithoutTable(error: unknown): boolean {
  return failureCode(error) === UNDEFINED_TABLE;
}
