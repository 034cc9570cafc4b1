import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { requireOperationInScope } from '../../kernel/credential-scope.ts';
import type { DeviceSignature } from '../../kernel/device-signature.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Operation } from '../../kernel/operation.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { requireFreshProof } from '../../kernel/step-up.ts';
import { toAppError } from '../error-table.ts';
import type { Audit, AuditEntry } from './audit.ts';
import type { Limiter } from './limiter.ts';
import { AUTHENTICATION_COST, RETRY_AFTER_SECONDS } from './limits.ts';

/** Where a call comes from. */
export interface Connection {
  readonly remoteAddress: string;
  /** The call's name in the log; null where the transport has none. */
  readonly requestId: string | null;
  /** What it is about, by id, where the transport can say so before it looks closer. */
  readonly objects?: readonly string[];
  /** What the calling device signed of it, once that was found to be right: it is kept with the record. */
  readonly signature?: () => DeviceSignature | null;
}

/** What happens to every call of one operation before and after its service. */
export interface Steps {
  /** Who calls. Refuses with `unauthenticated`, and with `rate_limited` while too many from there are being found out. */
  authenticate(caller: Connection & { identify(): Promise<Actor | null> }): Promise<Actor>;
  /**
   * Asks for the permission, the credential's scope and, where the operation takes one, a fresh proof; then takes the operation's cost of
   * the caller's share. Refuses: `forbidden`, `api_key_scope`, `step_up_required`, `rate_limited`.
   */
  admit(actor: Actor | null, connection: Connection): void;
  /** The audit's entry; null: the operation is none of its business. */
  begin(actor: Actor | null, connection: Connection): AuditEntry | null;
  /** The service has refused a call of which the audit wants nothing but that. */
  denied(actor: Actor | null, connection: Connection, error: AppError): void;
  /** Gives back what `admit` took. */
  leave(actor: Actor | null, remoteAddress: string): void;
  /** Counts a refusal, and gives it as an AppError. */
  refused(cause: unknown): AppError;
}

/** The steps of an operation, made once. */
export function createSteps(
  described: Operation,
  dependencies: {
    readonly limiter: Limiter;
    readonly audit: Audit;
    readonly clock: Clock;
    readonly refused: (operation: string, code: AppError['code']) => void;
  },
): Steps {
  const { operation, access, cost } = described;
  const { limiter, audit, clock } = dependencies;

  const { begin, deny, denied } = createEntries(described, audit);

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
        return known(await caller.identify());
      } catch (error) {
        deny(null, caller, error);
        throw error;
      } finally {
        limiter.leave('address', remoteAddress, AUTHENTICATION_COST);
      }
    },

    admit(actor, connection) {
      try {
        if (access !== 'public') {
          requirePermission(known(actor), access);
          requireOperationInScope(known(actor), described);
          requireFreshProof(known(actor), described, clock.nowMs());
        }
        enter(actor, connection.remoteAddress);
      } catch (error) {
        deny(actor, connection, error);
        throw error;
      }
    },

    begin,
    denied,

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

/** What the audit is told of a connection: a caller has more. */
function connectionOf({ remoteAddress, requestId, signature }: Connection) {
  return { remoteAddress, requestId, ...(signature === undefined ? {} : { signature }) };
}

/** The audit's entries of an operation: of those who may, where its class wants one, and of those who may not. */
function createEntries({ operation, audit: auditClass }: Operation, audit: Audit) {
  const beginAs = (
    entryClass: Exclude<Operation['audit'], 'none'>,
    actor: Actor | null,
    { objects = [], ...connection }: Connection,
  ): AuditEntry => audit.begin({ ...connectionOf(connection), operation, audit: entryClass, actor, objects });
  const isBegun = auditClass !== 'none' && auditClass !== 'refusals';
  return {
    begin: (actor: Actor | null, connection: Connection): AuditEntry | null =>
      isBegun ? beginAs(auditClass, actor, connection) : null,
    denied(actor: Actor | null, connection: Connection, { code }: AppError): void {
      if (auditClass === 'refusals') void beginAs(auditClass, actor, connection).end(code);
    },
    /** Who may not is of interest whatever the operation is; but frames come by thousands. */
    deny(actor: Actor | null, connection: Connection, error: unknown): void {
      const { code, kind } = toAppError(error);
      if (auditClass !== 'none') void beginAs(auditClass, actor, connection).end(code);
      else if (connection.requestId !== null && DENIALS.has(kind))
        void beginAs('access', actor, connection).end(code);
    },
  };
}

const DENIALS: ReadonlySet<AppError['kind']> = new Set(['unauthenticated', 'forbidden'] as const);

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
