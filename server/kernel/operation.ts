import type { ErrorCodeName } from '../../proto/index.ts';
import { InvariantError } from './errors.ts';
import type { HolderOf, Permission } from './permission.ts';

/** Who may ask: who has the permission; or everybody, without saying who they are. */
export type Access = Permission | 'public';

/** Who asks, once `access` was checked. */
export type CallerOf<A extends Access> = A extends Permission ? HolderOf<A> : null;

/**
 * What an operation is to the audit: nothing; nothing but its refusals; a look at what is kept from others, or a sign-in; a
 * change of who may do what; a movement of money.
 */
export type AuditClass = 'none' | 'refusals' | 'access' | 'change' | 'money';

/** Something the server does when asked, whichever way the question came. */
export interface Operation<A extends Access = Access> {
  /** Its one name in logs, metrics, audit and documentation: `devices.create`. */
  readonly operation: string;
  /** The permission it takes; `public`: none, and no credential. */
  readonly access: A;
  /** How much of a caller's share it takes while it runs: a frame is 1 (`COSTS`). */
  readonly cost: number;
  readonly audit: AuditClass;
  /** It takes a proof of the last ten minutes that it is the account who asks, and no API key; without it, its credential is enough. */
  readonly needsProof?: true;
  /** One line for the documentation. */
  readonly summary: string;
  /** Codes this operation itself may be refused with. The ones of every operation (`internal` ...) are not repeated. */
  readonly errors: readonly ErrorCodeName[];
}

/** What operations of each kind cost while they run, in frames. */
export const COSTS = {
  /** One frame of a device, and what costs no more. */
  frame: 1,
  /** A look at a row, or at what is in memory. */
  read: 100,
  /** A page of rows, or a change. */
  write: 200,
  /** Opening a connection: its state stays. */
  connection: 200,
  /** A computation on somebody's machine, for as long as it runs. */
  completion: 1_000,
} as const;

const NAME = /^[a-z][a-zA-Z]*(\.[a-z][a-zA-Z]*)+$/;

/** An operation for the catalogue. Throws InvariantError for a name that isn't `area.things.verb`, and for a wrong cost. */
export function defineOperation<A extends Access>(definition: Operation<A>): Operation<A> {
  const { operation, cost } = definition;
  if (!NAME.test(operation)) throw new InvariantError(`${operation} is no name of an operation`);
  if (!Number.isInteger(cost) || cost < 1) throw new InvariantError(`${operation} has no cost`);
  return definition;
}
