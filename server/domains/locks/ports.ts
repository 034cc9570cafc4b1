import type { AccountActor, Actor, DeviceActor } from '../../kernel/actor.ts';
import type { DeviceId, LockClaimId, LockId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { LockBook } from './book.ts';
import type { Claim, LockCommand, LockEntry, LockName, LockPrincipal, LockScope } from './types.ts';

/** What a list of locks is narrowed to. */
export interface LockFilter {
  readonly scope: LockScope | null;
  readonly name: string | null;
  /** True: also those that nobody holds or waits for. */
  readonly withIdle: boolean;
}

/** Who has a token, as far as the caller may see the lock. */
export interface TokenHolder {
  readonly lock: Omit<LockEntry, 'holders' | 'queue' | 'waiting'>;
  /** Null: nobody has it now under this token. */
  readonly claim: Claim | null;
}

/** Where locks are kept, by the clock of the database. */
export interface LockStore {
  /**
   * Reads what the commands are about, one transaction of a tenant after the other whichever node's, has `work` decide, and keeps what
   * it changed. What `work` gave, once that is committed.
   */
  change<T>(commands: readonly LockCommand[], work: (book: LockBook) => T): Promise<T>;
  /** The locks that the actor may see, in order of their ids. */
  list(
    actor: AccountActor | DeviceActor,
    filter: LockFilter,
    page: { readonly after: LockId | null; readonly limit: number },
  ): Promise<readonly LockEntry[]>;
  find(actor: AccountActor | DeviceActor, lockId: LockId): Promise<LockEntry | null>;
  /** Null: there is no such lock, as far as the actor sees. */
  findToken(actor: AccountActor | DeviceActor, name: LockName, token: number): Promise<TokenHolder | null>;
  /** Tenants where something has expired, or somebody waits for a delay that is over. */
  listOverdue(tenantsMax: number): Promise<readonly TenantId[]>;
  /** What a device or account has in the locks of a network. */
  listClaims(
    principal: LockPrincipal,
    networkId: NetworkId,
  ): Promise<readonly { readonly claimId: LockClaimId; readonly tenantId: TenantId }[]>;
  /** Forgets what has ended, and names that nobody uses. */
  forget(): Promise<void>;
  /** Forgets all names of a tenant that nobody has or waits for at this moment. How many. */
  forgetIdle(tenantId: TenantId): Promise<number>;
}

/** The networks that an account sees. */
export interface NetworkLookup {
  /** Refuses with `network_not_found`. */
  getNetwork(actor: Actor, networkId: NetworkId): Promise<{ readonly tenantId: TenantId }>;
}

/** The devices that an account sees. */
export interface DeviceLookup {
  /** Refuses with `device_not_found`. */
  getDevice(actor: Actor, deviceId: DeviceId): Promise<{ readonly guest: boolean }>;
}

/** The networks of devices. */
export interface DeviceNetworks {
  /** Null: the tenant has no such device. */
  findNetworks(
    deviceId: DeviceId,
    tenantId: TenantId,
  ): Promise<readonly { readonly networkId: NetworkId; readonly networkTenantId: TenantId }[] | null>;
}

/** What is counted of locks. */
export interface LockMetrics {
  batchWritten(commands: number): void;
  lost(reason: 'expired' | 'preempted' | 'deadlock'): void;
}
