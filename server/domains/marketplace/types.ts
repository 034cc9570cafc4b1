import type { AccountId, DeviceId, TenantId, TransactionId, TransferId } from '../../kernel/ids.ts';
import type { Cents } from '../../kernel/money.ts';

/** A provider as requesters know it; says nothing about its device, network or tenant. */
export type ProviderId = string;

/** A model as a provider offers it. */
export interface ModelOffer {
  readonly name: string;
  readonly priceCentsPer1000Tokens: Cents;
  readonly contextTokens: number;
}

/** What a provider serves, checked. */
export interface Offer {
  readonly models: readonly ModelOffer[];
  readonly slots: number;
}

/** The tenant whose device a provider is. */
export interface ProviderOwner {
  readonly tenantId: TenantId;
}

/** The account that asks, and the tenant that pays. */
export interface Requester {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
}

/** The way to a provider's device. */
export interface ProviderChannel {
  /** Signs and sends one frame (`FrameType`, encoded payload). False: the device is gone or too slow. */
  send(type: number, payload: Uint8Array): boolean;
}

/** A request for computing time, checked by the transport. */
export interface ComputeOrder {
  readonly model: string;
  /** JSON in UTF-8, handed to the provider as it is. At most `REQUEST_BODY_BYTES_MAX`. */
  readonly body: Uint8Array;
  /** Counted by the server. */
  readonly promptTokens: number;
  /** Null: `COMPLETION_TOKENS_DEFAULT`, or what the context leaves. */
  readonly completionTokensMax: number | null;
  /** Null: no limit but the balance. */
  readonly costCentsMax: Cents | null;
  /** Chosen by the requester: under the same key the same order is carried out once. Null: always. */
  readonly idempotencyKey: string | null;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** A piece of an answer. `failed` and `end` are the last of their stream. */
export type ComputeEvent =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'end';
      readonly finishReason: FinishReason;
      readonly promptTokens: number;
      readonly completionTokens: number;
      readonly costCents: Cents;
    }
  /** Nothing was billed, unless its requester left, or the code says that it isn't known. */
  | { readonly kind: 'failed'; readonly code: FailureCode | 'outcome_unknown' };

/** How an answer may end. */
export type FinishReason = 'stop' | 'length';

/** Why an answer didn't. */
export type FailureCode =
  | 'provider_failed'
  | 'provider_stalled'
  | 'provider_vanished'
  | 'provider_answer_malformed'
  | 'request_cancelled'
  | 'request_timed_out'
  | 'unavailable';

/** An answer that has begun. */
export interface ComputeAnswer {
  readonly transactionId: TransactionId;
  readonly providerId: ProviderId;
  readonly createdAtMs: number;
  /** True when it was given before, under the same idempotency key. */
  readonly isReplay: boolean;
  /** To be read once, to its end. What is not read is billed all the same: it was delivered to this side. */
  readonly events: AsyncIterable<ComputeEvent>;
}

export type TransactionState = 'PENDING' | 'PROCESSING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'REFUNDED';

/** A transaction as one side sees it: the requester's also tells what was held. */
export interface Transaction {
  readonly id: TransactionId;
  readonly role: 'requester' | 'provider';
  readonly state: TransactionState;
  readonly model: string;
  readonly providerId: ProviderId;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** What was paid for: the smaller of the server's and the provider's count. */
  readonly billedTokens: number;
  readonly costCents: Cents;
  readonly feeCents: Cents;
  readonly earningsCents: Cents;
  readonly finishReason: string | null;
  readonly failureCode: string | null;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | null;
}

/** A place in a list of transactions. */
export interface TransactionCursor {
  readonly createdAtMs: number;
  readonly id: TransactionId;
}

/** Newest first. */
export interface TransactionPage {
  readonly transactions: readonly Transaction[];
  readonly next: TransactionCursor | null;
}

/** A transaction at work, as the server keeps it. */
export interface OpenTransaction {
  readonly id: TransactionId;
  readonly requester: Requester;
  readonly model: string;
  readonly providerId: ProviderId;
  readonly providerOwner: ProviderOwner;
  readonly priceCentsPer1000Tokens: Cents;
  readonly attempts: number;
  readonly holdId: TransferId | null;
  readonly heldCents: Cents;
  readonly promptTokens: number;
  readonly completionTokensMax: number;
  readonly createdAtMs: number;
  /** True when its answer is to be kept for whoever repeats the request. */
  readonly isKeyed: boolean;
}

/** How a transaction is to be paid: written before the ledger is asked, so that a crash between is made good. */
export interface Settlement {
  readonly state: 'COMPLETED' | 'CANCELLED';
  readonly completionTokens: number;
  readonly billedTokens: number;
  readonly costCents: Cents;
  readonly feeCents: Cents;
  readonly earningsCents: Cents;
  readonly finishReason: FinishReason | null;
  readonly failureCode: FailureCode | null;
  /** What the provider said, and what passed through. */
  readonly claimedTokens: number;
  readonly countedTokens: number;
}

/** A transaction found open by recovery. */
export interface InterruptedTransaction {
  readonly transaction: Pick<OpenTransaction, 'id' | 'holdId' | 'providerOwner' | 'createdAtMs'>;
  /** Null: nothing was decided. */
  readonly settlement: Settlement | null;
}

/** A provider that is connected now, as anybody may see it. */
export interface ListedProvider {
  readonly id: ProviderId;
  readonly models: readonly ModelOffer[];
  readonly slots: number;
  readonly quality: number;
  readonly latency: number;
  readonly availability: number;
}

/** A model that somebody serves now. */
export interface ListedModel {
  readonly name: string;
  readonly providers: number;
  readonly contextTokensMax: number;
  readonly priceCentsPer1000TokensMin: Cents;
}

/** A device and the owner it acts for. */
export interface ProviderDevice extends ProviderOwner {
  readonly deviceId: DeviceId;
}
