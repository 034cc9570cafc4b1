import type { AccountActor } from '../../kernel/actor.ts';
import type { TenantId, TransactionId } from '../../kernel/ids.ts';
import type { UnitOfWork, UnitOutcome } from '../ledger/index.ts';
import type { RequestSettings } from './settings.ts';
import type { Requester } from './types.ts';

/** The part of the ledger that requests use. */
export interface RequestLedger {
  /** Commits a step of business whole; see `LedgerService.commit`. */
  commit(unit: UnitOfWork): Promise<UnitOutcome>;
  /** True: something is available to the tenant. */
  hasMoney(tenantId: TenantId): Promise<boolean>;
}

/** A row that holds an idempotency key for a request. */
export interface KeyClaim {
  readonly requester: Requester;
  readonly key: string;
  /** SHA-256 of what was asked. */
  readonly fingerprint: Uint8Array;
  readonly transactionId: TransactionId;
  readonly createdAtMs: number;
}

/** What is known of a key. */
export type KeyState =
  | { readonly kind: 'free'; readonly keys: number; readonly keptBytes: number }
  | {
      readonly kind: 'taken';
      readonly fingerprint: Uint8Array;
      readonly transactionId: TransactionId;
      /** Sealed; null while the request is at work. */
      readonly answer: Uint8Array | null;
    };

/** Where idempotency keys are kept. They are written together with the ledger's commands; see `key-rows.postgres.ts`. */
export interface KeyStore {
  /** The request that has the key; for a free one how much is kept for the account. */
  findKey(requester: Requester, key: string): Promise<KeyState>;
  /** Forgets keys of requests from before `beforeMs`. */
  forgetKeys(beforeMs: number): Promise<void>;
}

/** Where accounts' settings for their requests are kept. */
export interface SettingsStore {
  /** The account's own; `NO_SETTINGS` where it has chosen none. */
  find(actor: AccountActor): Promise<RequestSettings>;
  save(actor: AccountActor, settings: RequestSettings): Promise<void>;
}
