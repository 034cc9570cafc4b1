import type { ErrorCodeName } from '../../../proto/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { AuditClass } from '../../kernel/operation.ts';

/** Who did what, before it is known how it ended. */
export interface AuditSubject {
  readonly operation: string;
  readonly audit: Exclude<AuditClass, 'none'>;
  /** Null: an operation for everybody. */
  readonly actor: Actor | null;
  readonly remoteAddress: string;
  /** The request's name in the log; null where the transport has none. */
  readonly requestId: string | null;
}

/** An operation that was begun. */
export interface AuditEntry {
  /** How it ended; null: it was done. Its answer goes out when this has resolved. */
  end(code: ErrorCodeName | null): void | Promise<void>;
}

/** Where it is kept who did what. */
export interface Audit {
  /** An operation begins. Called before its service; what this throws refuses the call. */
  begin(subject: AuditSubject): AuditEntry;
}

/** An audit in the log: one line for each operation, when it has ended. */
export function createLogAudit(logger: Logger): Audit {
  return {
    begin: ({ operation, audit, actor, remoteAddress, requestId }) => ({
      end(code) {
        logger.info(
          {
            operation,
            audit,
            principal: principalOf(actor),
            tenantId: actor?.tenantId ?? null,
            outcome: code === null ? 'done' : 'refused',
            ...(code === null ? {} : { code }),
            remoteAddress,
            ...(requestId === null ? {} : { requestId }),
          },
          'audit',
        );
      },
    }),
  };
}

/** A principal in one word: `account:<id>`, `device:<id>`, `service:<name>`; null: somebody unknown. */
function principalOf(actor: Actor | null): string | null {
  switch (actor?.kind) {
    case 'account':
      return `account:${actor.accountId}`;
    case 'device':
      return `device:${actor.deviceId}`;
    case 'service':
      return `service:${actor.service}`;
    default:
      return null;
  }
}
