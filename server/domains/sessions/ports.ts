import type { TenantId } from '../../kernel/ids.ts';

/** A session that can be resumed, as it is kept. */
export interface StoredSession {
  readonly ticketHash: Uint8Array;
  readonly tenantId: TenantId;
  readonly holderSealed: Uint8Array;
  readonly expiresAtMs: number;
}

/** Where resumable sessions are kept. */
export interface ResumptionStore {
  /** Keeps one; of more than `ticketsMax` of its tenant the oldest go. */
  add(session: StoredSession, ticketsMax: number): Promise<void>;
  /** Null: there is none, or it is over. */
  find(ticketHash: Uint8Array, nowMs: number): Promise<Pick<StoredSession, 'holderSealed'> | null>;
  /** Uses one up. False: it was used before, or is over. */
  use(ticketHash: Uint8Array, nowMs: number): Promise<boolean>;
  /** One that was not used is good until then. */
  extend(ticketHash: Uint8Array, expiresAtMs: number): Promise<void>;
  removeExpired(nowMs: number): Promise<void>;
}
