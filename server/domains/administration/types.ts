import type { AccountId, NodeId, TenantId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';

/** Figures of the whole server; what is counted as something that happens is counted since its start. */
export interface ServerFigures {
  readonly users: number;
  readonly tenants: number;
  readonly devices: { readonly registered: number; readonly connected: number };
  readonly connections: { readonly http: number; readonly webSocket: number; readonly mqtt: number };
  readonly messages: { readonly transient: number; readonly stored: number };
  readonly requests: { readonly served: number; readonly refused: number };
  readonly money: Readonly<Record<'available' | 'held' | 'earnings' | 'receivable' | 'fee', Microcents>>;
  readonly database: DatabaseHealth;
  readonly process: ProcessHealth;
}

export interface DatabaseHealth {
  readonly kind: 'embedded' | 'server';
  /** How long it took to answer on every pool; null: it didn't. */
  readonly answerMs: number | null;
  /** Of the embedded one's disk; null where nobody knows. */
  readonly freeDiskBytes: number | null;
}

export interface ProcessHealth {
  readonly startedAtMs: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Processor time since the start. */
  readonly cpuSeconds: number;
  /** The 99th percentile of how late the event loop was lately. */
  readonly loopLagMs: number;
}

/** A value of the configuration. */
export interface Setting {
  readonly variable: string;
  /** Null: it is not set, or it is secret. */
  readonly value: string | null;
  /** False: nothing else than the default is in force. */
  readonly isSet: boolean;
  readonly isSecret: boolean;
  readonly description: string;
}

/** A server of the database. */
export interface ServerNode {
  readonly id: NodeId;
  /** It is the one that answers. */
  readonly isThis: boolean;
  readonly leaseUntilMs: number;
  /** What it does at set times. */
  readonly jobs: readonly string[];
}

/** A tenant as who runs the platform sees it. */
export interface HostedTenant {
  readonly id: TenantId;
  readonly ownerIds: readonly AccountId[];
  readonly members: number;
  readonly createdAtMs: number;
}

export const LOG_LEVELS = ['info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A tenant that reaches nothing. */
export interface Suspension {
  readonly tenantId: TenantId;
  /** The operator; null: it was done by a command on the machine, or the account is gone. */
  readonly accountId: AccountId | null;
  readonly reason: string;
  readonly suspendedAtMs: number;
}

/** Which lines of the log; null: all. */
export interface LogFilter {
  /** The least level. */
  readonly level: LogLevel;
  readonly operation: string | null;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
}

/** A line of the log. */
export interface LogEntry {
  /** Counts up from the start of the server. */
  readonly sequence: number;
  readonly atMs: number;
  readonly level: LogLevel;
  readonly operation: string | null;
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** A line, or how many the reader missed because it read too slowly. */
export type FollowedEntry = LogEntry | { readonly missed: number };
