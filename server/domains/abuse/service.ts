import type { Actor } from '../../kernel/actor.ts';
import { type AppError, notFound } from '../../kernel/errors.ts';
import { addressGroup } from '../../kernel/network-address.ts';
import type { Operation } from '../../kernel/operation.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { LISTED_MAX } from './limits.ts';
import { Measuring } from './measuring.ts';
import type { AbuseDependencies } from './ports.ts';
import { kindOfRefusal } from './rules.ts';
import type { AbuseMeasure, Offence, Subject } from './types.ts';

/** A call, as much of it as is looked at. */
export interface GuardedCall {
  readonly operation: Pick<Operation, 'access' | 'audit'>;
  /** Null: nobody, or nobody who is known. */
  readonly actor: Actor | null;
  readonly remoteAddress: string;
}

/** A call that was refused. */
export interface RefusedCall extends GuardedCall {
  readonly error: AppError;
  /** What it was about, to tell the same question from another; null: nobody can say. */
  readonly asked: string | null;
}

/**
 * Counts what looks like abuse, answers it, and lets the operator undo the answer.
 *
 * The rule: a principal is measured only for what it does with its own valid credentials, an address only for what comes from it
 * without one. So nobody has others locked out, neither by guessing at their account nor from behind their address: whoever shows a
 * valid credential is not asked where it comes from. Operators are told of and never measured.
 */
export interface AbuseService {
  /** Refuses who is cut off (`cut_off`), locked (`locked`), or throttled and has asked enough (`rate_limited`). */
  requireAllowed(call: GuardedCall): void;
  /**
   * A credential came that nobody has; null: none was shown. What it is refused with instead, where its address is measured; null: as
   * always.
   */
  guessed(remoteAddress: string, shown: string | null): AppError | null;
  /** A call was refused. */
  refused(call: RefusedCall): void;
  /** Something else happened that is counted. */
  note(offence: Offence): void;
  /** For operators: what is done at this moment, the newest first. */
  listMeasures(actor: Actor): Promise<readonly AbuseMeasure[]>;
  /** For operators: undoes a measure and what led to it. Refuses with `abuse_measure_not_found`. */
  liftMeasure(actor: Actor, id: string): Promise<void>;
  /** Reads what is done, before anybody is let in. */
  load(): Promise<void>;
  /** Removes what has ended, and lets go who was let go in the database, as `yggdrasil abuse lift` does. */
  refresh(): Promise<void>;
  /** Resolves when what was begun is written. */
  stop(): Promise<void>;
}

/** Builds the service. `answers: false` counts and tells, and answers nothing. */
export function createAbuseService(
  { answers }: { readonly answers: boolean },
  dependencies: AbuseDependencies,
): AbuseService {
  const measuring = new Measuring(answers, dependencies);

  const requireNotMeasured = (subject: Subject): void => {
    const found = measuring.find(subject);
    if (found === null) return;
    const refusal = measuring.refusalFor(found, 'call');
    if (refusal === null) return;
    // Who doesn't heed a throttle goes on with what brought it.
    if (found.measure === 'throttle')
      measuring.note({ kind: found.kind, subject, tried: null, isOperator: false });
    throw refusal;
  };

  return {
    requireAllowed({ operation, actor, remoteAddress }) {
      if (measuring.isIdle) return;
      if (actor === null) {
        const address = addressOf(remoteAddress);
        // Pages and documents stay there for the others at the address; a flood of them doesn't.
        if (operation.audit !== 'none' || measuring.find(address)?.kind === 'flood')
          requireNotMeasured(address);
        return;
      }
      if (isOperator(actor)) return;
      const principal = principalOf(actor);
      if (principal !== null) requireNotMeasured(principal);
      if (principal?.kind === 'api_key' && actor.kind === 'account')
        requireNotMeasured({ kind: 'account', id: actor.accountId });
      if (operation.access === 'market.request') requireNotMeasured({ kind: 'tenant', id: actor.tenantId });
    },

    guessed(remoteAddress, shown) {
      const subject = addressOf(remoteAddress);
      if (shown !== null) measuring.note({ kind: 'credentials', subject, tried: shown, isOperator: false });
      const found = measuring.find(subject);
      return found === null ? null : measuring.refusalFor(found, 'guess');
    },

    refused({ actor, remoteAddress, error, asked }) {
      const kind = kindOfRefusal(error, actor !== null);
      const subject = actor === null ? addressOf(remoteAddress) : principalOf(actor);
      if (kind === null || subject === null) return;
      const tried = kind === 'ids' ? asked : null;
      measuring.note({ kind, subject, tried, isOperator: actor !== null && isOperator(actor) });
    },

    note: (offence) => measuring.note(offence),

    async listMeasures(actor) {
      requirePermission(actor, 'platform.operate');
      return measuring.list().slice(0, LISTED_MAX);
    },

    async liftMeasure(actor, id) {
      requirePermission(actor, 'platform.operate');
      if (!(await measuring.lift(id))) throw notFound('abuse_measure');
    },

    load: () => measuring.load(),
    refresh: () => measuring.refresh(),
    stop: () => measuring.stop(),
  };
}

function addressOf(remoteAddress: string): Subject {
  return { kind: 'address', id: addressGroup(remoteAddress) };
}

function isOperator(actor: Actor): boolean {
  return actor.kind === 'account' && actor.operator;
}

/** Whom a call is counted for; null: a part of the server. */
function principalOf(actor: Actor): Subject | null {
  switch (actor.kind) {
    case 'account':
      // Whoever was given a key, or stole it, has its account locked out of nothing: that must be able to revoke it.
      if (actor.scope !== undefined) return { kind: 'api_key', id: actor.credentialId };
      return { kind: 'account', id: actor.accountId };
    case 'device':
      return { kind: 'device', id: actor.deviceId };
    case 'service':
      return null;
  }
}
