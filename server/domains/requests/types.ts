import type { AccountId, CredentialId, TenantId, TransactionId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { BilledAnswer } from '../answers/index.ts';
import type { ComputeTask, FailureCode, ProviderId } from '../providers/index.ts';
import type { ProviderPreferences } from './preferences.ts';

/** A request for computing time, checked by the transport. */
export interface ComputeOrder {
  /** The one that is asked for now. */
  readonly model: string;
  /** Those that would do, the best first; each is asked for when nobody can serve those before it. At most `MODELS_MAX`. */
  readonly models: readonly string[];
  readonly preferences: ProviderPreferences;
  readonly task: ComputeTask;
  /** JSON in UTF-8, handed to the provider as it is. At most `REQUEST_BODY_BYTES_MAX`. */
  readonly body: Uint8Array;
  /** Counted by the server. */
  readonly promptTokens: number;
  /** Those of the longest prompt, where there are several: what the context must have room for. */
  readonly longestPromptTokens: number;
  /** The tokenizer of the model that counted them, and counts the answer; null: o200k_base did. */
  readonly tokenizer: string | null;
  /** Of each answer that is wanted. Null: until the model ends by itself, or the context, the balance or the highest cost does. */
  readonly completionTokensMax: number | null;
  /** Null: no limit but the balance. */
  readonly costMicrocentsMax: Microcents | null;
  /**
   * The body that has a provider go on with an answer which begins with `beginning`; null: an answer to this can't be gone on
   * with. JSON in UTF-8.
   */
  continuationBody(beginning: string): Uint8Array | null;
  /** Chosen by the requester: under the same key the same order is carried out once. Null: always. */
  readonly idempotencyKey: string | null;
  /** True: the answer is given in one piece at its end, so that until then it may begin anew at another provider. */
  readonly isWhole: boolean;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Told of each provider that is asked. */
  readonly asked?: (providerId: ProviderId) => void;
  /** What is kept of a whole answer, in the commit that bills it. */
  readonly keepsWhole?: (answer: WholeAnswer) => BilledAnswer;
}

/** An answer that has ended, before it is billed. */
export interface WholeAnswer extends Pick<ComputeAnswer, 'transactionId' | 'model' | 'createdAtMs'> {
  /** All deltas as one. */
  readonly fields: JsonObject;
  readonly end: Extract<ComputeEvent, { kind: 'end' }>;
}

/** An order whose prompt is counted when nothing else stands against it. */
export interface UncountedOrder
  extends Omit<ComputeOrder, 'body' | 'promptTokens' | 'longestPromptTokens' | 'tokenizer' | 'model'> {
  /** Makes the order's `body`, which may have megabytes: asked for when somebody offers the model and there is money. */
  encodeBody(): Uint8Array;
  /**
   * Counts with this tokenizer of the model; null: with o200k_base. Where the longest prompt has more than `tokensMax` it may be any
   * number above it.
   */
  countPromptTokens(tokensMax: number, tokenizer: string | null): Promise<number | PromptTokens>;
}

/** Tokens of several prompts. */
export interface PromptTokens {
  readonly all: number;
  readonly longest: number;
}

/** A piece of an answer. `failed` and `end` are the last of their stream. */
export type ComputeEvent =
  | {
      readonly kind: 'delta';
      /** `choices[0].delta` as the provider's endpoint gave it, and what `ComputeDelta` has beside it. */
      readonly fields: JsonObject;
    }
  | {
      readonly kind: 'end';
      readonly finishReason: string;
      readonly promptTokens: number;
      /** The part of `promptTokens` that the provider's endpoint found in its cache. */
      readonly cachedPromptTokens: number;
      readonly completionTokens: number;
      /** The part of `completionTokens` that is reasoning, as the provider says. */
      readonly reasoningTokens: number;
      readonly costMicrocents: Microcents;
    }
  /** Nothing was billed, unless its requester left or stopped reading, or the code says that it isn't known. */
  | { readonly kind: 'failed'; readonly code: FailureCode | 'outcome_unknown' };

/** An answer that has begun. */
export interface ComputeAnswer {
  readonly transactionId: TransactionId;
  /** Which of the models that were asked for it is of. */
  readonly model: string;
  /** Who gave its first piece. */
  readonly providerId: ProviderId;
  readonly createdAtMs: number;
  /** True when it was given before, under the same idempotency key. */
  readonly isReplay: boolean;
  /** To be read once, to its end. Its provider sends only as fast as it is read. */
  readonly events: AsyncIterable<ComputeEvent>;
  /**
   * What the tenant had available after the last thing that was booked for the request: while it runs the most that it may cost
   * is set aside. Null: not known, as the answer was given before.
   */
  availableMicrocents(): Microcents | null;
}

/** A request that is carried out. */
export interface StartedRequest {
  /**
   * Resolves with the first delta, or with the end of an answer without one; rejects when no provider gave any, and then
   * nothing is held or billed.
   */
  readonly answer: Promise<ComputeAnswer>;
  /** Resolves when its end is written; never rejects. */
  readonly ended: Promise<void>;
}

/** The account that asks, and the tenant that pays. */
export interface Requester {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
}

/** Who asks, and with what. */
export interface KeyedRequester extends Requester {
  /** The API key that the request came with; null: none. */
  readonly keyId: CredentialId | null;
}

/** An answer as it is kept under an idempotency key. */
export interface KeptAnswer {
  /** Versions before 0.5.0 left it out: then it is the one that was asked for. */
  readonly model?: string;
  readonly providerId: ProviderId;
  readonly createdAtMs: number;
  /** All deltas as one. */
  readonly fields: JsonObject;
  readonly end: Extract<ComputeEvent, { kind: 'end' }>;
}
