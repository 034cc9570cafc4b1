import { LockBook } from '../../server/domains/locks/book.ts';
import { LOCK_LIMITS } from '../../server/domains/locks/limits.ts';
import { type Decided, decide } from '../../server/domains/locks/rules.ts';
import type { Claim, Lock, LockCommand } from '../../server/domains/locks/types.ts';
import type { TenantId } from '../../server/kernel/ids.ts';
import { uuid } from './frames.ts';

/** Locks of one tenant in memory, by a clock that is moved by hand: the real rules, without a database. */
export class MemoryLocks {
  nowMs = 1_000_000;
  locks: Lock[] = [];
  claims: Claim[] = [];
  readonly #tenantId: TenantId;
  #arrivals = 0;
  #ids = 0;

  constructor(tenantId: TenantId) {
    this.#tenantId = tenantId;
  }

  /** Carries commands out together, as one transaction does. */
  carryOut(...commands: readonly LockCommand[]): Decided {
    const tenantId = this.#tenantId;
    const count = (state: Claim['state']) => this.claims.filter((claim) => claim.state === state).length;
    const principals = [...new Set(this.claims.map(({ principal }) => principal.id))];
    const book = new LockBook(
      {
        nowMs: this.nowMs,
        locks: this.locks.map((lock) => ({ ...lock })),
        claims: this.claims.map((claim) => ({ ...claim })),
        tokenFloors: new Map(),
        counts: [
          {
            tenantId,
            names: this.locks.length,
            principals: principals.map((principalId) => ({
              principalId,
              held: count('held'),
              waiting: count('waiting'),
            })),
          },
        ],
        arrivals: commands.map(() => ++this.#arrivals),
      },
      () => uuid(900_000 + ++this.#ids),
    );
    const decided = decide(commands, book, { limits: LOCK_LIMITS, isAttended: () => true });
    const { locks, claims, removed } = book.changes();
    const isOf = (one: Claim) => (other: Claim) => one.id === other.id;
    for (const lock of locks) {
      this.locks = [...this.locks.filter(({ id }) => id !== lock.id), lock];
    }
    for (const claim of removed) this.claims = this.claims.filter((other) => !isOf(claim)(other));
    for (const claim of claims) {
      this.claims = [...this.claims.filter((other) => !isOf(claim)(other)), claim];
    }
    return decided;
  }
}
