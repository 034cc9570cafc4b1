import type { Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Operation } from '../../kernel/operation.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { toAppError } from '../error-table.ts';
import type { Audit, AuditEntry } from './audit.ts';
import type { Limiter } from './limiter.ts';
import { AUTHENTICATION_COST, RETRY_AFTER_SECONDS } from './limits.ts';

/** Where a call comes from. */
export interface Connection {
  readonly remoteAddress: string;
  /** The call's name in the log; null where the transport has none. */
  readonly requestId: string | null;
}

/** What happens to every call of one operation before and after its service. */
export interface Steps {
  /** Who calls. Refuses with `unauthenticated`, and with `rate_limited` while too many from there are being found out. */
  authenticate(caller: Connection & { identify(): Promise<Actor | null> }): Promise<Actor>;
  /** Asks for the permission, then takes the operation's cost of the caller's share. Refuses: `forbidden`, `rate_limited`. */
  admit(actor: Actor | null, connection: Connection): void;
  /** The audit's entry; null: the operation is none of its business. */
  begin(actor: Actor | null, connection: Connection): AuditEntry | null;
  /** Gives back what `admit` took. */
  leave(actor: Actor | null, remoteAddress: string): void;
  /** Counts a refusal, and gives it as an AppError. */
  refused(cause: unknown): AppError;
}

/** The steps of an operation, made once. */
export function createSteps(
  { operation, access, cost, audit: auditClass }: Operation,
  dependencies: {
    readonly limiter: Limiter;
    readonly audit: Audit;
    readonly refused: (operation: string, code: AppError['code']) => void;
  },
): Steps {
  const { limiter, audit } = dependencies;

  const begin = (actor: Actor | null, { remoteAddress, requestId }: Connection): AuditEntry | null =>
    auditClass === 'none'
      ? null
      : audit.begin({ operation, audit: auditClass, actor, remoteAddress, requestId });

  const enter = (actor: Actor | null, remoteAddress: string) => {
    const entered =
      actor === null
        ? limiter.enter('address', remoteAddress, cost)
        : limiter.enter('principal', principalIdOf(actor), cost);
    if (!entered) throw tooMuchRunning();
  };

  return {
    async authenticate(caller) {
      const { remoteAddress } = caller;
      if (!limiter.enter('address', remoteAddress, AUTHENTICATION_COST)) throw tooMuchRunning();
      try {
        const actor = await caller.identify();
        if (actor !== null) return actor;
      } finally {
        limiter.leave('address', remoteAddress, AUTHENTICATION_COST);
      }
      throw new AppError('unauthenticated', 'unauthenticated', 'A valid bearer token is needed.');
    },

    admit(actor, connection) {
      try {
        if (access !== 'public') requirePermission(known(actor), access);
        enter(actor, connection.remoteAddress);
      } catch (error) {
        void begin(actor, connection)?.end(toAppError(error).code);
        throw error;
      }
    },

    begin,

    leave(actor, remoteAddress) {
      if (actor === null) limiter.leave('address', remoteAddress, cost);
      else limiter.leave('principal', principalIdOf(actor), cost);
    },

    refused(cause) {
      const error = toAppError(cause);
      dependencies.refused(operation, error.code);
      return error;
    },
  };
}

function known(actor: Actor | null): Actor {
  if (actor !== null) return actor;
  throw new AppError('unauthenticated', 'unauthenticated', 'A valid bearer token is needed.');
}

/** What a principal is counted under. */
export function principalIdOf(actor: Actor): string {
  switch (actor.kind) {
    case 'account':
      return actor.accountId;
    case 'device':
      return actor.deviceId;
    case 'service':
      return actor.service;
  }
}

function tooMuchRunning(): AppError {
  return new AppError('rate_limited', 'rate_limited', 'Too much is running for you. Try again in a moment.', {
    details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}
