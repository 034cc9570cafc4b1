import type { LockClaimId, LockId, TenantId } from '../../kernel/ids.ts';
import type { LockBook } from './book.ts';
import { ENDED_KEPT_MS, type LockLimits, PLACE_MS } from './limits.ts';
import type {
  AcquireInput,
  Claim,
  ClaimEnd,
  ClaimView,
  Lock,
  LockCommand,
  LockOutcome,
  LockRefusal,
  SettleHow,
} from './types.ts';
import { chooseVictim, findCycle, holderOf, queueOf } from './wait-graph.ts';

/** What was decided: an outcome for each command, the claims of others that wait no more, and what was lost. */
export interface Decided {
  readonly outcomes: readonly LockOutcome[];
  readonly woken: readonly ClaimView[];
  readonly ends: readonly ClaimEnd[];
}

/** What the decision depends on beside the book. */
export interface DecideOptions {
  readonly limits: LockLimits;
  /** True: somebody waits here for this claim, and will be told. */
  readonly isAttended: (claim: Claim) => boolean;
}

/** Carries commands out on the book, in their order, and resolves the deadlocks that they leave. */
export function decide(commands: readonly LockCommand[], book: LockBook, options: DecideOptions): Decided {
  return new Decision(book, options).carryOut(commands);
}

class Decision {
  readonly #book: LockBook;
  readonly #options: DecideOptions;
  /** Those who waited before. */
  readonly #waited = new Set<Claim>();
  readonly #own = new Set<Claim>();
  /** What a victim has lost beside its place. */
  readonly #lost = new Map<Claim, LockClaimId[]>();
  readonly #ends: ClaimEnd[] = [];

  constructor(book: LockBook, options: DecideOptions) {
    this.#book = book;
    this.#options = options;
  }

  carryOut(commands: readonly LockCommand[]): Decided {
    const book = this.#book;
    for (const lock of book.locks) {
      for (const claim of book.ofLock(lock.id)) if (claim.state === 'waiting') this.#waited.add(claim);
      this.#expire(lock);
      this.#give(lock);
    }
    const begun = commands.map((command) => this.#begin(command));
    this.#resolveDeadlocks();
    book.updatePriorities();
    const outcomes = begun.map((outcome) => (typeof outcome === 'function' ? outcome() : outcome));
    const woken = [...this.#waited].filter((claim) => claim.state !== 'waiting' && !this.#own.has(claim));
    return { outcomes, woken: woken.map((claim) => this.#view(claim)), ends: this.#ends };
  }

  /** An outcome, or what gives it when all commands are carried out. */
  #begin(command: LockCommand): LockOutcome | (() => LockOutcome) {
    switch (command.kind) {
      case 'acquire':
        return this.#acquire(command);
      case 'tend':
        return { ok: true, claim: null };
      default: {
        const claim = this.#book.findOwn(command);
        if (claim === undefined) return refused('not_found');
        if (command.kind === 'release') return this.#release(claim);
        if (command.kind === 'settle') return this.#settle(claim, command.how);
        if (claim.state !== 'held') return claim.end === null ? refused('not_found') : this.#tellEnd(claim);
        this.#extend(claim, command.leaseMs ?? claim.leaseMs);
        return () => this.#outcomeOf(claim);
      }
    }
  }

  #acquire(input: AcquireInput): LockOutcome | (() => LockOutcome) {
    const book = this.#book;
    const known = book.findClaim(input.principal, input.claimId);
    if (known !== undefined) return this.#askAgain(known, input);
    const existing = book.findLock(input);
    const refusal = this.#refusalOf(input, existing);
    if (refusal !== null) return refused(refusal);
    const lock = existing ?? book.addLock(input);
    const claim = this.#enter(input, lock);
    this.#give(lock);
    if (claim.state === 'waiting') {
      const { waiting } = book.countOf(claim.tenantId);
      const { waitingMax, waitingByPrincipalMax } = this.#options.limits;
      const own = book.countOf(claim.tenantId, claim.principal).waiting;
      const hasRoom = waiting <= waitingMax && own <= waitingByPrincipalMax;
      if (input.waitMs === 0 || !hasRoom) {
        book.removeClaim(claim);
        return refused(input.waitMs === 0 ? 'not_granted' : 'too_many_waiting');
      }
    }
    this.#own.add(claim);
    return () => this.#outcomeOf(claim);
  }

  /** The same claim, asked for by who has it: it keeps its place, or what it holds. */
  #askAgain(claim: Claim, input: AcquireInput): LockOutcome | (() => LockOutcome) {
    const lock = this.#book.lockOf(claim);
    const { scope, name } = input;
    const isSame =
      lock.name === name &&
      claim.mode === input.mode &&
      JSON.stringify(lock.scope) === JSON.stringify(scope) &&
      claim.holder === input.holder;
    if (!isSame) return refused('claim_id_taken');
    if (claim.end !== null) return this.#tellEnd(claim);
    if (claim.state === 'held') this.#extend(claim, input.leaseMs);
    else this.#book.change(claim, { expiresAtMs: this.#book.nowMs + input.waitMs + PLACE_MS });
    this.#own.add(claim);
    return () => this.#outcomeOf(claim);
  }

  #refusalOf(input: AcquireInput, lock: Lock | undefined): LockRefusal | null {
    const book = this.#book;
    const { limits } = this.#options;
    const { tenantId } = input.scope;
    if (lock === undefined && book.namesOf(tenantId) >= limits.namesMax) return 'too_many_names';
    const own = book.countOf(tenantId, input.principal);
    // Who waits may hold in a moment.
    if (own.held + own.waiting >= limits.heldByPrincipalMax) return 'too_many_held';
    const all = book.countOf(tenantId);
    if (all.held + all.waiting >= limits.heldMax) return 'too_many_held';
    const isOwn = (claim: Claim) =>
      claim.holder === input.holder && claim.principal.id === input.principal.id;
    return lock !== undefined && book.ofLock(lock.id).some(isOwn) ? 'already_held' : null;
  }

  #enter(input: AcquireInput, lock: Lock): Claim {
    const { claimId, principal, holder, mode, priority, leaseMs, delayMs, waitMs } = input;
    const { nowMs } = this.#book;
    const claim: Claim = {
      id: claimId,
      lockId: lock.id,
      tenantId: lock.scope.tenantId,
      principal,
      holder,
      mode,
      priority,
      effectivePriority: priority,
      arrival: this.#book.nextArrival(),
      delayMs,
      leaseMs,
      state: 'waiting',
      end: null,
      token: null,
      sinceMs: nowMs,
      expiresAtMs: nowMs + waitMs + PLACE_MS,
    };
    this.#book.addClaim(claim);
    return claim;
  }

  #release(claim: Claim): LockOutcome {
    if (claim.end !== null) {
      this.#book.removeClaim(claim);
      return refused(claim.end);
    }
    this.#remove(claim);
    return { ok: true, claim: null };
  }

  #settle(claim: Claim, how: SettleHow): LockOutcome | (() => LockOutcome) {
    this.#own.add(claim);
    if (claim.end !== null) return this.#tellEnd(claim);
    if (how === 'gone') {
      const expiresAtMs = Math.min(claim.expiresAtMs, this.#book.nowMs + PLACE_MS);
      this.#book.change(claim, { expiresAtMs });
    } else if (claim.state === 'held') this.#extend(claim, claim.leaseMs);
    else if (how === 'leave') {
      this.#remove(claim);
      return refused('not_granted');
    }
    return () => this.#outcomeOf(claim);
  }

  /** Why the claim has ended. */
  #tellEnd(claim: Claim): LockOutcome {
    return refused(claim.end as ClaimEnd);
  }

  #outcomeOf(claim: Claim): LockOutcome {
    const view = this.#view(claim);
    return claim.end === null ? { ok: true, claim: view } : { ok: false, reason: claim.end, lost: view.lost };
  }

  #view(claim: Claim): ClaimView {
    return this.#book.view(claim, this.#lost.get(claim) ?? []);
  }

  #extend(claim: Claim, leaseMs: number): void {
    this.#book.change(claim, { leaseMs, expiresAtMs: this.#book.nowMs + leaseMs });
  }

  /** Takes a claim out; who waited for it goes on. */
  #remove(claim: Claim): void {
    const lock = this.#book.lockOf(claim);
    this.#book.removeClaim(claim);
    this.#give(lock);
  }

  #end(claim: Claim, end: ClaimEnd): void {
    const { nowMs } = this.#book;
    this.#ends.push(end);
    this.#book.change(claim, { state: 'ended', end, sinceMs: nowMs, expiresAtMs: nowMs + ENDED_KEPT_MS });
  }

  /** Ends what is over by the database's clock. */
  #expire(lock: Lock): void {
    const { nowMs } = this.#book;
    for (const claim of this.#book.ofLock(lock.id)) {
      if (claim.expiresAtMs > nowMs) continue;
      if (claim.state === 'waiting') {
        this.#book.removeClaim(claim);
        this.#waited.delete(claim);
        continue;
      }
      const untilMs = nowMs + claim.delayMs;
      const writeDelayUntilMs = Math.max(lock.writeDelayUntilMs, untilMs);
      const readDelayUntilMs =
        claim.mode === 'write' ? Math.max(lock.readDelayUntilMs, untilMs) : lock.readDelayUntilMs;
      this.#book.changeLock(lock, { writeDelayUntilMs, readDelayUntilMs });
      this.#end(claim, 'expired');
    }
  }

  /** Gives the lock to who is first, and to those behind that share it. */
  #give(lock: Lock): void {
    const book = this.#book;
    const held = book.ofLock(lock.id).filter(({ state }) => state === 'held');
    let isShared = held.every(({ mode }) => mode === 'read');
    let isFree = held.length === 0;
    if (!isShared) return;
    for (const claim of queueOf(book, lock.id)) {
      const isRead = claim.mode === 'read';
      if (!(isFree || (isShared && isRead))) return;
      if ((isRead ? lock.readDelayUntilMs : lock.writeDelayUntilMs) > book.nowMs) return;
      this.#grant(claim, lock);
      isFree = false;
      isShared = isRead;
    }
  }

  #grant(claim: Claim, lock: Lock): void {
    const { nowMs } = this.#book;
    const token = lock.lastToken + 1;
    this.#book.changeLock(lock, { lastToken: token });
    // Whoever asks at this moment is told; who waits elsewhere takes it up in time, or it was for nobody.
    const isTold = !this.#waited.has(claim) || this.#options.isAttended(claim);
    const forMs = isTold ? claim.leaseMs : Math.min(claim.leaseMs, PLACE_MS);
    this.#book.change(claim, { state: 'held', token, sinceMs: nowMs, expiresAtMs: nowMs + forMs });
  }

  #resolveDeadlocks(): void {
    const book = this.#book;
    const locksOf = new Map<TenantId, LockId[]>();
    for (const lock of book.locks) {
      const { tenantId } = lock.scope;
      // Whoever has one claim alone is in no ring.
      const isTangled = book
        .ofLock(lock.id)
        .some((claim) => claim.state === 'waiting' && book.ofHolder(holderOf(claim)).length > 1);
      if (isTangled || locksOf.has(tenantId)) locksOf.set(tenantId, []);
    }
    for (const lock of book.locks) locksOf.get(lock.scope.tenantId)?.push(lock.id);
    for (const lockIds of locksOf.values()) {
      for (let ring = findCycle(book, lockIds); ring !== null; ring = findCycle(book, lockIds)) {
        const { waiter, blocker } = chooseVictim(book, ring);
        this.#end(waiter, 'deadlock');
        if (blocker.state === 'held') {
          this.#end(blocker, 'preempted');
          this.#lost.set(waiter, [blocker.id]);
        }
        this.#give(book.lockOf(waiter));
        this.#give(book.lockOf(blocker));
      }
    }
  }
}

const refused = (reason: LockRefusal): LockOutcome => ({ ok: false, reason });
