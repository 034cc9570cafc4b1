import type { ErrorCodeName } from '../../../proto/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { DeviceSignature } from '../../kernel/device-signature.ts';
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
  /** What it is about, by id; what is no id is nobody's business. */
  readonly objects?: readonly string[];
  /** What the calling device signed of it, once that was found to be right. */
  readonly signature?: () => DeviceSignature | null;
}

/** An operation that was begun. */
export interface AuditEntry {
  /** Does the operation's work, so that its transactions can keep the entry with what they write. */
  run<Value>(work: () => Value): Value;
  /** How it ended; null: it was done. Its answer goes out when this has resolved. */
  end(code: ErrorCodeName | null): void | Promise<void>;
}

/** Where it is kept who did what. */
export interface Audit {
  /** An operation begins. Called before its service; what this throws refuses the call. */
  begin(subject: AuditSubject): AuditEntry;
}

/**
 * An audit in the log: one line for each operation, when it has ended. Of operations that are audited for their refusals alone, whoever
 * answers the refusal tells the log, many of them in one line.
 */
export function createLogAudit(logger: Logger): Audit {
  return {
    begin: ({ operation, audit, actor, remoteAddress, requestId }) => ({
      run: (work) => work(),
      end(code) {
        if (audit === 'refusals') return;
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

/** One audit of two: the work of an operation is done within both, and its answer waits for both. */
export function bothAudits(one: Audit, other: Audit): Audit {
  return {
    begin(subject) {
      const [first, second] = [one.begin(subject), other.begin(subject)];
      return {
        run: (work) => first.run(() => second.run(work)),
        end(code) {
          const kept = [first.end(code), second.end(code)].filter((end) => end !== undefined);
          return kept.length === 0 ? undefined : Promise.all(kept).then(() => {});
        },
      };
    },
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
