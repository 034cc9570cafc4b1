import type { TenantId } from '../../kernel/ids.ts';
import type {
  FollowedEntry,
  HostedTenant,
  LogEntry,
  LogFilter,
  ServerFigures,
  ServerNode,
  Setting,
  Suspension,
} from './types.ts';

/** How much of everything is kept. */
export interface KeptFigures {
  countUsers(): Promise<number>;
  countTenants(): Promise<number>;
  /** Those behind `after`, in the order of ids. */
  listTenants(after: TenantId | null, limit: number): Promise<readonly HostedTenant[]>;
  countDevices(): Promise<number>;
  readTotals(): Promise<ServerFigures['money']>;
}

/** What the running server knows of itself. */
export interface LiveFigures {
  read(): Promise<
    Omit<ServerFigures, 'users' | 'tenants' | 'devices' | 'money'> & { connectedDevices: number }
  >;
}

/** How the server is set up. */
export interface ServerSetup {
  /** Without what is secret. */
  readonly settings: readonly Setting[];
  listNodes(): Promise<readonly ServerNode[]>;
}

/** The newest lines of the log. */
export interface LogLines {
  list(
    filter: LogFilter,
    page: { readonly offset: number; readonly limit: number },
  ): { lines: readonly LogEntry[]; total: number };
  /** Null: too many follow already. */
  follow(
    filter: LogFilter,
    afterSequence: number | null,
    signal: AbortSignal,
  ): AsyncIterable<FollowedEntry> | null;
}

/** Where suspensions are kept. */
export interface SuspensionStore {
  listIds(): Promise<readonly TenantId[]>;
  /** The newest first. */
  list(limit: number): Promise<readonly Suspension[]>;
  /** The suspension as it is now: an earlier one stays. Null: there is no such tenant. */
  add(suspension: Suspension): Promise<Suspension | null>;
  /** False: there was none. */
  remove(tenantId: TenantId): Promise<boolean>;
}

/** What a tenant has open. */
export interface LiveTenants {
  /** Ends at once every connection of the tenant, and what guests have open in its networks. */
  endTenant(tenantId: TenantId): Promise<void>;
  /** Guests that are connected are in its networks again. */
  resumeTenant(tenantId: TenantId): Promise<void>;
}
