import type { DeviceId, LockClaimId, LockId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** A read lock is shared with others that read; a write lock is its holder's alone. */
export const LOCK_MODES = ['write', 'read'] as const;
export type LockMode = (typeof LOCK_MODES)[number];

/** Where a name means something: in a tenant, in one of its networks, or at one of its devices. */
export interface LockScope {
  readonly tenantId: TenantId;
  readonly networkId: NetworkId | null;
  readonly deviceId: DeviceId | null;
}

/** A name in a scope. */
export interface LockName {
  readonly scope: LockScope;
  readonly name: string;
}

/** Who takes locks: an account or a device, whichever credential it shows. */
export interface LockPrincipal {
  readonly kind: 'account' | 'device';
  readonly id: string;
}

/** Why a claim has ended without being given back. */
export type ClaimEnd = 'expired' | 'preempted' | 'deadlock';

/** A lock, as it is kept. Times are the database's, in milliseconds since 1970. */
export interface Lock extends LockName {
  readonly id: LockId;
  /** The last token that was given; each is higher than all before it. */
  lastToken: number;
  /** Until when nobody gets it to write, and to read, since a holder has expired; 0: at once. */
  writeDelayUntilMs: number;
  readDelayUntilMs: number;
}

/** One holder's claim to a lock, as it is kept. */
export interface Claim {
  readonly id: LockClaimId;
  readonly lockId: LockId;
  readonly tenantId: TenantId;
  readonly principal: LockPrincipal;
  /** Claims of one principal with one name belong to one thread of work: it waits for one of them while it holds others. */
  readonly holder: string;
  readonly mode: LockMode;
  /** 0 to 9; the highest goes first. */
  readonly priority: number;
  /** With what it inherits of those who wait for it. */
  effectivePriority: number;
  /** Counts up in the order in which claims began to wait. */
  readonly arrival: number;
  readonly delayMs: number;
  leaseMs: number;
  state: 'waiting' | 'held' | 'ended';
  end: ClaimEnd | null;
  /** Null: it was never held. */
  token: number | null;
  /** Since when it is in its state. */
  sinceMs: number;
  /** When its lease is over; of one that waits: when its place is. */
  expiresAtMs: number;
}

/** What is asked of a lock. */
export interface AcquireInput extends LockName {
  readonly claimId: LockClaimId;
  readonly principal: LockPrincipal;
  readonly holder: string;
  readonly mode: LockMode;
  readonly priority: number;
  readonly leaseMs: number;
  /** How long nobody gets the lock, should this holder expire. */
  readonly delayMs: number;
  /** 0: it doesn't wait. */
  readonly waitMs: number;
}

/** Whose claim it is: what it may be looked up by. */
export interface ClaimKey {
  readonly principal: LockPrincipal;
  readonly claimId: LockClaimId;
  /** The tenant that an account acts in; null: a device, whichever network's tenant it is. */
  readonly tenantId: TenantId | null;
  /** The networks that it sees; null: all. */
  readonly networkIds: readonly NetworkId[] | null;
}

/**
 * What becomes of a claim: who waits looks whether it is held by now, leaves the queue where it isn't, or is gone, and may come back in a
 * moment. A lease that is heard of begins then.
 */
export type SettleHow = 'look' | 'leave' | 'gone';

/** A change of locks. */
export type LockCommand =
  | ({ readonly kind: 'acquire' } & AcquireInput)
  /** Begins the lease anew; null: as long as before. */
  | ({ readonly kind: 'renew'; readonly leaseMs: number | null } & ClaimKey)
  /** Gives it back, or stops waiting for it. */
  | ({ readonly kind: 'release' } & ClaimKey)
  | ({ readonly kind: 'settle'; readonly how: SettleHow } & ClaimKey)
  /** Looks for what has expired, in all of a tenant. */
  | { readonly kind: 'tend'; readonly tenantId: TenantId };

/** A claim as others see it. */
export interface ClaimView extends Readonly<Claim> {
  readonly lock: LockName & { readonly id: LockId };
  /** The database's time when it was so. */
  readonly atMs: number;
  /** How many go before it; null: it doesn't wait. */
  readonly position: number | null;
  /** What its holder has lost with it, in a deadlock. */
  readonly lost: readonly LockClaimId[];
}

/** Why something is not done. */
export type LockRefusal =
  | 'not_found'
  | 'not_granted'
  | 'already_held'
  | 'claim_id_taken'
  | 'too_many_names'
  | 'too_many_held'
  | 'too_many_waiting'
  | ClaimEnd;

/** What became of a command. */
export type LockOutcome =
  | { readonly ok: true; readonly claim: ClaimView | null }
  | { readonly ok: false; readonly reason: LockRefusal; readonly lost?: readonly LockClaimId[] };

/** A lock as the registry shows it. */
export interface LockEntry extends LockName {
  readonly id: LockId;
  readonly lastToken: number;
  readonly holders: readonly Claim[];
  /** In the order in which they would be given it now. */
  readonly queue: readonly Claim[];
  readonly waiting: number;
}
