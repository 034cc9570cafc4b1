import type { DeviceSignature } from '../../kernel/device-signature.ts';
import type {
  AccountId,
  CredentialId,
  DeviceId,
  TenantId,
  TransactionId,
  TransferId,
} from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';

/** `PROCESSING` until it ends; `REFUNDED` when all of its cost was given back. `PENDING` is kept for what is paid later. */
export type TransactionState = 'PENDING' | 'PROCESSING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'REFUNDED';

/** A transaction as one of its two sides sees it. */
export interface Transaction {
  readonly id: TransactionId;
  readonly role: 'requester' | 'provider';
  readonly state: TransactionState;
  readonly model: string;
  readonly providerId: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** What was paid for: the smaller of the server's and the provider's count. */
  readonly billedTokens: number;
  readonly costMicrocents: Microcents;
  readonly feeMicrocents: Microcents;
  readonly earningsMicrocents: Microcents;
  /** What of the cost went back to who asked, and what of that the provider has lost. */
  /** What of the cost an allowance paid; to a provider 0. */
  readonly allowanceMicrocents: Microcents;
  readonly refundedMicrocents: Microcents;
  readonly refundedEarningsMicrocents: Microcents;
  /** The tokenizer of the model that counted it: SHA-256 of its file, in hexadecimal; null: o200k_base, which estimates. */
  readonly tokenizer: string | null;
  readonly finishReason: string | null;
  readonly failureCode: string | null;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | null;
}

/** A transaction as the one who asked sees it, with what its answer was like. */
export interface Generation extends Transaction {
  /** The part of the prompt that the provider's endpoint found in its cache. */
  readonly cachedPromptTokens: number;
  /** The part of the answer that is reasoning, as the provider says. */
  readonly reasoningTokens: number;
  /** Null: a version before 0.11.0 served it. */
  readonly isStreamed: boolean | null;
  /** True when a provider of the requester's own tenant served it. */
  readonly isOwn: boolean;
}

/** The account that asked, and the tenant that pays. */
export interface Requester {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
}

/** Who serves a transaction. Neither its device nor its tenant is ever shown to the requester. */
export interface ServingProvider {
  readonly providerId: string;
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
}

/** Micro-cents for 1000 tokens of each kind. */
export interface TransactionPrices {
  readonly prompt: Microcents;
  readonly cachedPrompt: Microcents;
  readonly completion: Microcents;
}

/** A transaction as it begins: written together with its hold. */
export interface BegunTransaction {
  readonly id: TransactionId;
  readonly requester: Requester;
  readonly model: string;
  readonly provider: ServingProvider;
  readonly prices: TransactionPrices;
  readonly holdId: TransferId;
  readonly heldMicrocents: Microcents;
  readonly promptTokens: number;
  readonly completionTokensMax: number;
  readonly createdAtMs: number;
  /** The node that works on it. */
  readonly nodeId: string;
  /** The API key that it came with; null: none. */
  readonly keyId: CredentialId | null;
  readonly isStreamed: boolean;
  /** SHA-256 of what was ordered, in hexadecimal. */
  readonly orderHash: string;
  /** The tokenizer of the model that counts it: SHA-256 of its file, in hexadecimal; null: o200k_base does. */
  readonly tokenizer: string | null;
}

/** Another hold in place of the one before: a dearer provider takes the transaction over. */
export interface ReheldTransaction {
  readonly id: TransactionId;
  readonly tenantId: TenantId;
  readonly holdId: TransferId;
  readonly heldMicrocents: Microcents;
  readonly completionTokensMax: number;
}

/** What one provider did for a transaction, and what it gets. */
export interface TransactionShare {
  readonly provider: ServingProvider;
  readonly prices: TransactionPrices;
  readonly completionTokens: number;
  readonly billedTokens: number;
  readonly costMicrocents: Microcents;
  readonly feeMicrocents: Microcents;
  readonly earningsMicrocents: Microcents;
  /** What the provider said, and what passed through the server; both 0 where it said nothing. */
  readonly claimedTokens: number;
  readonly countedTokens: number;
  /** SHA-256 of what it delivered, in hexadecimal; null: nothing that is paid for. */
  readonly answerHash: string | null;
  /** What the provider's device signed of the end; null: nothing. */
  readonly signature: DeviceSignature | null;
}

/** A transaction as it ends: written together with what resolves its hold. */
export interface EndedTransaction {
  readonly id: TransactionId;
  readonly requester: Requester;
  readonly state: 'COMPLETED' | 'FAILED' | 'CANCELLED';
  readonly model: string;
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly reasoningTokens: number;
  readonly attempts: number;
  readonly finishReason: string | null;
  readonly failureCode: string | null;
  readonly createdAtMs: number;
  readonly finishedAtMs: number;
  /** What of its cost an allowance pays. */
  readonly allowanceMicrocents: Microcents;
  /** True when it came with an API key, or when that isn't known any more. */
  readonly mayHaveKey: boolean;
  /** SHA-256 of what was ordered, in hexadecimal; null: not known any more. */
  readonly orderHash: string | null;
  /** The tokenizer of the model that counted it: SHA-256 of its file, in hexadecimal; null: o200k_base, which estimates. */
  readonly tokenizer: string | null;
  /** One for each provider that is shown it: the one that ended it, last. */
  readonly shares: readonly TransactionShare[];
}

/** A transaction that has not ended, with all that its end needs. */
export interface OpenTransaction {
  readonly id: TransactionId;
  readonly requester: Requester;
  readonly model: string;
  readonly provider: ServingProvider;
  readonly prices: TransactionPrices;
  readonly holdId: TransferId;
  readonly promptTokens: number;
  readonly createdAtMs: number;
}

/** A transaction that was paid, with who was paid for it. */
export interface SettledTransaction {
  readonly id: TransactionId;
  readonly model: string;
  readonly holdId: TransferId;
  readonly costMicrocents: Microcents;
  /** Null: it runs. */
  readonly endedAtMs: number | null;
  /** All of its cost was given back. */
  readonly isRefunded: boolean;
  readonly shares: readonly {
    readonly providerId: string;
    readonly tenantId: TenantId;
    readonly costMicrocents: Microcents;
    readonly feeMicrocents: Microcents;
    readonly earningsMicrocents: Microcents;
  }[];
}

/** What of a transaction's cost goes back to who asked: written together with the ledger's reversal. */
export interface RefundedTransaction {
  readonly id: TransactionId;
  readonly tenantId: TenantId;
  readonly shares: readonly {
    readonly providerId: string;
    readonly refundedMicrocents: Microcents;
    /** The part of it that the provider loses. */
    readonly refundedEarningsMicrocents: Microcents;
  }[];
}
