import type { AccountActor, Actor, DeviceActor } from '../../kernel/actor.ts';
import type { Bus } from '../../kernel/bus.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import {
  asId,
  type DeviceId,
  type LockClaimId,
  type LockId,
  type NetworkId,
  type TenantId,
} from '../../kernel/ids.ts';
import { type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { type AskedScope, claimKeyOf, createLockAccess, principalOf } from './access.ts';
import { lockError, TooManyNames } from './errors.ts';
import { LOCK_LIMITS, type LockLimits, TENDED_TENANTS_MAX } from './limits.ts';
import type { DeviceLookup, DeviceNetworks, LockMetrics, LockStore, NetworkLookup } from './ports.ts';
import type { ClaimKey, ClaimView, LockEntry, LockMode, LockOutcome, SettleHow } from './types.ts';
import { Waiters } from './waiters.ts';
import { LockWriter } from './writer.ts';

/** What somebody asks for who wants a lock. */
export interface AskedLock extends AskedScope {
  readonly name: string;
  readonly mode: LockMode;
  readonly priority: number;
  readonly leaseMs: number;
  readonly delayMs: number;
  /** How long to wait; 0: not at all. */
  readonly waitMs: number;
  /** Null: a holder of its own, so that it waits for nobody that waits for it. */
  readonly holder: string | null;
  /** Under which it can be asked for again; null: it leaves when its wait is over. */
  readonly claimId: LockClaimId | null;
}

/** Locks on names. */
export interface LockService {
  /**
   * Takes a lock, in the order of the queue. Resolves when it is held, which is committed by then; for who gave a `claimId` also when
   * the time to wait is over, in which case its place is kept for ten seconds. `signal`: nobody waits for the answer any more; it
   * leaves the queue, and gives back what came too late. Refuses with `forbidden`, `network_not_found`, `device_not_found`,
   * `lock_not_granted`, `lock_already_held`, `lock_deadlock`, `lock_expired`, `lock_preempted`, `conflict`, `limit_reached` and `unavailable`.
   */
  acquire(actor: Actor, asked: AskedLock, signal: AbortSignal): Promise<ClaimView>;
  /** Begins the lease anew; null: as long as before. Refuses with `lock_not_found`, `lock_expired` and `lock_preempted`. */
  renew(actor: Actor, claimId: LockClaimId, leaseMs: number | null): Promise<ClaimView>;
  /** Gives a lock back, or stops waiting for it. Refuses as `renew` does. */
  release(actor: Actor, claimId: LockClaimId): Promise<void>;
  /** Refuses with `lock_not_found` a lock that the actor doesn't see. */
  get(actor: Actor, lockId: LockId): Promise<LockEntry>;
  /** Locks that are held or waited for, and with `withIdle` all names. Refuses with `network_not_found` and `device_not_found`. */
  list(
    actor: Actor,
    filter: { scope: AskedScope | null; name: string | null; withIdle: boolean },
    page: { after: LockId | null; limit: number },
  ): Promise<Page<LockEntry, LockId>>;
  /**
   * Whose token this is, where the lock is held under it now. Refuses with `lock_token_stale` every other token, and with
   * `lock_not_found` a name that was never locked.
   */
  check(
    actor: Actor,
    asked: AskedScope & { readonly name: string; readonly token: number },
  ): Promise<{
    readonly lockId: LockId;
    readonly mode: LockMode;
    readonly expiresAtMs: number;
    readonly lastToken: number;
  }>;
  /** A device has left a network: it takes no part in its locks any more. */
  left(deviceId: DeviceId, networkId: NetworkId): Promise<void>;
  /** Ends leases that are over, and gives on what they held. */
  expire(): Promise<void>;
  /** Forgets what nobody asks for any more. */
  forget(): Promise<void>;
  /** Looks what became of those who wait here: a message of another node may be lost. */
  lookAgain(): void;
  /** Those who wait are refused with `unavailable`; who gave its claim an id keeps its place, for the server that comes next. */
  stopWaiting(): void;
  /** Resolves when everything is written. */
  stop(): Promise<void>;
}

/** What the service needs. */
export interface LockDependencies {
  readonly store: LockStore;
  readonly networks: NetworkLookup;
  readonly devices: DeviceLookup;
  readonly deviceNetworks: DeviceNetworks;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: LockMetrics;
}

/** Builds the service. */
export function createLockService(
  dependencies: LockDependencies,
  limits: LockLimits = LOCK_LIMITS,
): LockService {
  const { store, random } = dependencies;
  const access = createLockAccess(dependencies);
  const waiters = new Waiters(dependencies.bus);
  const writer = new LockWriter(
    { limits, isAttended: (claim) => waiters.has(claim) },
    dependencies,
    (claims) => waiters.wake(claims),
  );
  const waiting = createWaiting(dependencies, waiters, writer);

  return {
    ...createRegistry(dependencies, access),

    async acquire(actor, asked, signal) {
      const user = requirePermission(actor, 'locks.use');
      const scope = await access.scopeOf(user, asked);
      const claimId = asked.claimId ?? asId<LockClaimId>(random.uuid());
      const command = {
        ...asked,
        kind: 'acquire' as const,
        scope,
        claimId,
        principal: principalOf(user),
        holder: asked.holder ?? claimId,
      };
      const how = { keepsPlace: asked.claimId !== null, signal };
      return withNames(store, scope.tenantId, () => waiting.acquire(user, command, how));
    },

    async renew(actor, claimId, leaseMs) {
      const user = requirePermission(actor, 'locks.use');
      const key = claimKeyOf(user, claimId);
      return claimIn(await writer.submit(user.tenantId, { kind: 'renew', leaseMs, ...key }));
    },

    async release(actor, claimId) {
      const user = requirePermission(actor, 'locks.use');
      const outcome = await writer.submit(user.tenantId, { kind: 'release', ...claimKeyOf(user, claimId) });
      if (!outcome.ok) throw lockError(outcome.reason);
    },

    async expire() {
      const tenantIds = await store.listOverdue(TENDED_TENANTS_MAX);
      await Promise.all(tenantIds.map((tenantId) => writer.submit(tenantId, { kind: 'tend', tenantId })));
    },

    async left(deviceId, networkId) {
      const principal = { kind: 'device', id: deviceId } as const;
      const claims = await store.listClaims(principal, networkId);
      const releases = claims.map(({ claimId, tenantId }) =>
        writer.submit(tenantId, { kind: 'release', principal, claimId, tenantId, networkIds: null }),
      );
      await Promise.all(releases);
    },

    forget: () => store.forget(),
    lookAgain: () => waiters.wakeAll(),
    stopWaiting: () => waiting.end(),
    stop: () => writer.drain(),
  };
}

/** Who takes one name after the other must not leave the tenant without any for a day. */
async function withNames<T>(
  store: Pick<LockStore, 'forgetIdle'>,
  tenantId: TenantId,
  take: () => Promise<T>,
): Promise<T> {
  try {
    return await take();
  } catch (error) {
    if (!(error instanceof TooManyNames) || (await store.forgetIdle(tenantId)) === 0) throw error;
    return take();
  }
}

/** The claim of an outcome. Throws the refusal. */
function claimIn(outcome: LockOutcome): ClaimView {
  if (!outcome.ok) throw lockError(outcome.reason, outcome.lost);
  return outcome.claim as ClaimView;
}

type AcquireCommand = Parameters<LockWriter['submit']>[1] & { readonly kind: 'acquire' };

/** Who waits for a lock, until it has it or the time is over. */
function createWaiting({ clock }: Pick<LockDependencies, 'clock'>, waiters: Waiters, writer: LockWriter) {
  const stopping = new AbortController();

  /** Resolves when there may be news, when the time is over, and when nobody waits any more. */
  function untilWoken(
    woken: { readonly isNews: boolean; notify: () => void },
    leftMs: number,
    gone: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        cancel();
        gone.removeEventListener('abort', settle);
        woken.notify = () => {};
        resolve();
      };
      const cancel = clock.after(leftMs, settle);
      woken.notify = settle;
      gone.addEventListener('abort', settle, { once: true });
      if (gone.aborted || woken.isNews) settle();
    });
  }

  async function acquire(
    user: AccountActor | DeviceActor,
    command: AcquireCommand,
    { keepsPlace, signal }: { readonly keepsPlace: boolean; readonly signal: AbortSignal },
  ): Promise<ClaimView> {
    const key: ClaimKey = claimKeyOf(user, command.claimId);
    const settle = (how: SettleHow) =>
      writer.submit(user.tenantId, { kind: 'settle', how, ...key }).then(claimIn);
    const gone = AbortSignal.any([signal, stopping.signal]);
    const untilMs = clock.monotonicMs() + command.waitMs;
    const woken = { claim: null as ClaimView | null, isNews: false, notify: () => {} };
    const leave = waiters.add({
      key,
      tenantId: command.scope.tenantId,
      wake(claim) {
        woken.claim = claim ?? woken.claim;
        woken.isNews = true;
        woken.notify();
      },
    });
    try {
      let claim = claimIn(await writer.submit(user.tenantId, command));
      while (claim.state === 'waiting') {
        const leftMs = untilMs - clock.monotonicMs();
        if (leftMs <= 0 || gone.aborted) break;
        await untilWoken(woken, leftMs, gone);
        if (!woken.isNews) continue;
        woken.isNews = false;
        claim = endedAsRefusal(woken.claim ?? (await settle('look')));
        woken.claim = null;
      }
      const isLast = leave();
      if (!gone.aborted) return claim.state === 'held' ? claim : await settle(keepsPlace ? 'look' : 'leave');
      // Nobody is told: what came too late is given back, and a place under an id waits a moment for who comes back.
      if (!keepsPlace) await writer.submit(user.tenantId, { kind: 'release', ...key });
      else if (isLast) await settle('gone');
      throw gone.reason;
    } finally {
      leave();
    }
  }

  return {
    acquire,
    end: () => stopping.abort(new AppError('unavailable', 'unavailable', 'The server stops. Ask again.')),
  };
}

/** Throws the refusal of a claim that has ended. */
function endedAsRefusal(claim: ClaimView): ClaimView {
  if (claim.end !== null) throw lockError(claim.end, claim.lost);
  return claim;
}

/** What is known of locks. */
function createRegistry(
  { store }: Pick<LockDependencies, 'store'>,
  access: ReturnType<typeof createLockAccess>,
): Pick<LockService, 'get' | 'list' | 'check'> {
  return {
    async get(actor, lockId) {
      const entry = await store.find(requirePermission(actor, 'locks.read'), lockId);
      if (entry === null) throw lockError('not_found');
      return entry;
    },

    async list(actor, { scope, ...filter }, { after, limit }) {
      const user = requirePermission(actor, 'locks.read');
      const own = scope === null ? null : await access.scopeOf(user, scope);
      const found = await store.list(user, { ...filter, scope: own }, { after, limit: limit + 1 });
      return pageOf(found, limit, ({ id }) => id);
    },

    async check(actor, { name, token, ...asked }) {
      const user = requirePermission(actor, 'locks.read');
      const scope = await access.scopeOf(user, asked);
      const found = await store.findToken(user, { scope, name }, token);
      if (found === null) throw lockError('not_found');
      const { lock, claim } = found;
      if (claim === null) {
        throw new AppError(
          'conflict',
          'lock_token_stale',
          'The lock is not held under this token: refuse what came with it.',
          { details: { lastToken: lock.lastToken } },
        );
      }
      return {
        lockId: lock.id,
        mode: claim.mode,
        expiresAtMs: claim.expiresAtMs,
        lastToken: lock.lastToken,
      };
    },
  };
}
