import { BifrostError } from './errors.ts';
import type { LockAnswer, LockCalls } from './lock-calls.ts';
import { systemClock, systemRandom } from './platform.ts';
import type { Clock, Random } from './ports.ts';

/** How a lock is taken. */
export interface LockOptions {
  /** The name is one of this network, or of this device; neither: of the tenant. */
  readonly networkId?: string;
  readonly deviceId?: string;
  /** `read` is shared with others that read. Default: `write`. */
  readonly mode?: 'write' | 'read';
  /** 0 to 9, the highest goes first. Default: 5. */
  readonly priority?: number;
  /** How long it outlasts this program, should that hang or vanish. It is renewed by itself. Default: 30,000. */
  readonly leaseMs?: number;
  /** How long nobody gets it then. Default: 5,000. */
  readonly delayMs?: number;
  /** How long to wait for it. Default: for ever. */
  readonly waitMs?: number;
  /** Ends the wait: `aborted`. */
  readonly signal?: AbortSignal;
}

/** A lock that is held. */
export interface HeldLock {
  readonly name: string;
  readonly claimId: string;
  readonly lockId: string;
  /** Higher than all before it of this name: send it along with what the lock guards, which refuses lower ones. */
  readonly token: number;
  /**
   * Aborted at once when the lock is lost, with a BifrostError as its reason: `lock_expired` when it could not be renewed in time,
   * `lock_preempted` when it was taken away in a deadlock, `lock_not_found` when the server knows nothing of it.
   */
  readonly lost: AbortSignal;
  /** Gives it back. Rejects with what it was lost by; again does nothing. */
  release(): Promise<void>;
}

/** Takes locks for one thread of work: deadlocks among what it takes are found, and it gives way or the other does. */
export interface LockHolder {
  /**
   * Takes a lock. Rejects with BifrostError: `lock_not_granted` when the time to wait is over, `lock_deadlock` when holders wait for each
   * other and this one gives way, `lock_already_held` when this holder has it, `aborted`, or what else the server refuses.
   */
  acquire(name: string, options?: LockOptions): Promise<HeldLock>;
}

/** Takes locks. Each that is acquired here has a holder of its own. */
export interface Locks extends LockHolder {
  /** A thread of work, under a name of its own or this one. */
  holder(name?: string): LockHolder;
}

const LEASE_MS = 30_000;
/** Renewed after this share of the lease, so that two may fail. */
const RENEW_SHARE = 1 / 3;
/** The longest wait of one request: a lost connection is noticed soon after. */
const REQUEST_WAIT_MS = 25_000;
/** What a request may take beside its wait. */
const ANSWER_MS = 10_000;
/** Between two tries where the server doesn't answer, or not now. */
const RETRY_MS = 250;
/** Refusals after which another try can help. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'rate_limited', 'internal']);

interface ClaimAnswer {
  readonly id: string;
  readonly lockId: string;
  readonly token: number | null;
  readonly status: 'held' | 'waiting';
  readonly expiresInSeconds: number;
}

/** Makes what takes locks, over `locksOverHttp` or `locksOverRatatoskr`. */
export function createLocks(
  calls: LockCalls,
  { clock = systemClock, random = systemRandom }: { clock?: Clock; random?: Random } = {},
): Locks {
  const dependencies = { calls, clock, random };
  return {
    acquire: (name, options = {}) => acquire(dependencies, new Map(), name, null, options),
    holder(given) {
      const holder = given ?? random.uuid();
      const held = new Map<string, Lease>();
      return { acquire: (name, options = {}) => acquire(dependencies, held, name, holder, options) };
    },
  };
}

interface LockDependencies {
  readonly calls: LockCalls;
  readonly clock: Clock;
  readonly random: Random;
}

async function acquire(
  dependencies: LockDependencies,
  held: Map<string, Lease>,
  name: string,
  holder: string | null,
  options: LockOptions,
): Promise<HeldLock> {
  const { calls, clock, random } = dependencies;
  const { waitMs = Number.POSITIVE_INFINITY, leaseMs = LEASE_MS, delayMs, signal, ...scope } = options;
  const id = random.uuid();
  const untilMs = clock.nowMs() + waitMs;
  const body = {
    ...scope,
    name,
    id,
    leaseSeconds: leaseMs / 1000,
    ...(delayMs === undefined ? {} : { delaySeconds: delayMs / 1000 }),
    ...(holder === null ? {} : { holder }),
  };
  const leave = () => void calls('release', { claimId: id, timeoutMs: ANSWER_MS }).catch(() => undefined);
  for (;;) {
    const leftMs = Math.max(0, Math.min(untilMs - clock.nowMs(), REQUEST_WAIT_MS));
    const askedMs = clock.nowMs();
    const asking = calls('acquire', {
      body: { ...body, waitSeconds: leftMs / 1000 },
      timeoutMs: leftMs + ANSWER_MS,
    });
    const answer = await unlessAborted(asking, signal, leave).catch(passing);
    const refusal = answer === null ? null : refusalOf(answer);
    if (answer !== null && refusal === null) {
      const claim = answer.body as ClaimAnswer;
      if (claim.status === 'held') return new Lease(dependencies, held, { name, claim, leaseMs, askedMs });
    } else if (refusal !== null && !PASSING.has(refusal.code)) {
      for (const lostId of refusal.lost) held.get(lostId)?.lose(preempted());
      throw refusal;
    } else await unlessAborted(pause(clock), signal, leave);
    if (clock.nowMs() < untilMs) continue;
    leave();
    throw new BifrostError('lock_not_granted', 'Others had the lock for as long as was to be waited.');
  }
}

/** A lock that is held, while it is renewed. */
class Lease implements HeldLock {
  readonly name: string;
  readonly claimId: string;
  readonly lockId: string;
  readonly token: number;
  readonly #dependencies: LockDependencies;
  readonly #held: Map<string, Lease>;
  readonly #leaseMs: number;
  readonly #lost = new AbortController();
  #cancelRenewal: () => void = () => {};
  #cancelEnd: () => void = () => {};
  #isReleased = false;

  constructor(
    dependencies: LockDependencies,
    held: Map<string, Lease>,
    { name, claim, leaseMs, askedMs }: { name: string; claim: ClaimAnswer; leaseMs: number; askedMs: number },
  ) {
    this.#dependencies = dependencies;
    this.#held = held;
    this.#leaseMs = leaseMs;
    this.name = name;
    this.claimId = claim.id;
    this.lockId = claim.lockId;
    this.token = claim.token as number;
    held.set(claim.id, this);
    const { clock } = dependencies;
    // The answer may have been long on its way: a renewal tells for sure.
    const isSlow = clock.nowMs() - askedMs > leaseMs * RENEW_SHARE;
    this.#extend(clock.nowMs() + claim.expiresInSeconds * 1000, isSlow ? 0 : leaseMs * RENEW_SHARE);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  lose(reason: BifrostError): void {
    this.#end();
    if (!this.#isReleased) this.#lost.abort(reason);
  }

  async release(): Promise<void> {
    if (this.lost.aborted) throw this.lost.reason;
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#end();
    const { calls } = this.#dependencies;
    const answer = await calls('release', { claimId: this.claimId, timeoutMs: ANSWER_MS });
    const refusal = refusalOf(answer);
    if (refusal !== null && refusal.code !== 'lock_not_found') throw refusal;
  }

  #end(): void {
    this.#cancelRenewal();
    this.#cancelEnd();
    this.#held.delete(this.claimId);
  }

  #extend(endsMs: number, renewInMs: number): void {
    const { clock } = this.#dependencies;
    this.#cancelEnd();
    this.#cancelEnd = clock.after(Math.max(0, endsMs - clock.nowMs()), () => this.lose(expired()));
    this.#cancelRenewal = clock.after(renewInMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { calls, clock } = this.#dependencies;
    const askedMs = clock.nowMs();
    const asking = calls('renew', { claimId: this.claimId, body: {}, timeoutMs: this.#leaseMs });
    const answer = await asking.catch(passing);
    if (this.#isReleased || this.lost.aborted) return;
    const refusal = answer === null ? null : refusalOf(answer);
    if (refusal !== null && !PASSING.has(refusal.code)) this.lose(refusal);
    else if (answer === null || refusal !== null) {
      this.#cancelRenewal = clock.after(RETRY_MS, () => void this.#renew());
    }
    // It began when the server was asked, at the earliest.
    else this.#extend(askedMs + this.#leaseMs, this.#leaseMs * RENEW_SHARE);
  }
}

/** What the server refuses with. */
class LockRefusal extends BifrostError {
  /** Claims that were taken away with it. */
  readonly lost: readonly string[];

  constructor(code: BifrostError['code'], message: string, lost: readonly string[]) {
    super(code, message);
    this.lost = lost;
  }
}

/** Null: it is none. What isn't the server's answer may be a proxy's that can't reach it. */
function refusalOf({ status, body }: LockAnswer): LockRefusal | null {
  if (status < 400) return null;
  const error = (
    body as { error?: { code?: string; message?: string; details?: { lost?: string[] } } } | null
  )?.error;
  const code = (error?.code ?? 'unavailable') as BifrostError['code'];
  return new LockRefusal(code, error?.message ?? 'The server did not answer.', error?.details?.lost ?? []);
}

/** No answer: it is asked again, unless the caller has ended it, or the client is closed. */
function passing(error: unknown): null {
  if (error instanceof BifrostError && (error.code === 'aborted' || error.code === 'client_closed'))
    throw error;
  return null;
}

const expired = () => new BifrostError('lock_expired', 'The lease could not be renewed in time.');
const preempted = () => new BifrostError('lock_preempted', 'The lock was taken away in a deadlock.');

const pause = (clock: Clock): Promise<void> => new Promise((resolve) => clock.after(RETRY_MS, resolve));

/** The result, or `aborted`, in which case `leave` is called. */
function unlessAborted<T>(
  result: Promise<T>,
  signal: AbortSignal | undefined,
  leave: () => void,
): Promise<T> {
  if (signal === undefined) return result;
  return new Promise<T>((resolve, reject) => {
    const abort = () => {
      leave();
      reject(new BifrostError('aborted', 'Nobody waits for the lock any more.'));
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
