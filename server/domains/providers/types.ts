import type { DeviceSignature } from '../../kernel/device-signature.ts';
import type { DeviceId, TenantId, TransactionId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { PriceInput, TokenPrices } from '../pricing/index.ts';
import type { Capabilities, ComputeTask, Feature } from './features.ts';

/** A provider as requesters know it; says nothing about its device, network or tenant. */
export type ProviderId = string;

/** A model as a provider offers it. */
export interface ModelOffer {
  readonly name: string;
  readonly prices: TokenPrices;
  /** Prompt and answer together. */
  readonly contextTokens: number;
  /** It goes on with an answer that another provider began. */
  readonly continuesAnswers: boolean;
  /** What requests for it may ask for. Absent: its provider doesn't say, as programs before 0.6.0. */
  readonly capabilities?: Capabilities;
}

/** What a provider serves, checked. */
export interface Offer {
  readonly models: readonly ModelOffer[];
  /** Requests it serves at the same time. */
  readonly slots: number;
}

/** What a device says it serves, not checked yet. */
export interface OfferInput {
  readonly slots: number;
  readonly models: readonly {
    readonly name: string;
    readonly prices: PriceInput;
    readonly contextTokens: number;
    readonly continuesAnswers?: boolean;
    /** Empty, or absent: it doesn't say. */
    readonly features?: readonly string[];
    readonly fields?: readonly string[];
  }[];
}

/** A device that is a provider, and the tenant that is paid. */
export interface ProviderDevice {
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
}

/** What a provider says that it does with what it is sent. Nobody can check it. */
export interface DataPolicy {
  /** Days that prompts and answers are kept; 0: not beyond the request. */
  readonly retentionDays: number;
  readonly trainsOnData: boolean;
  readonly note: string | null;
}

/** What a provider says that it runs on. */
export interface Hardware {
  readonly name: string;
  readonly memoryGigabytes: number | null;
}

/** What a provider's owner says of it to requesters; null: nothing. */
export interface DeclaredByOwner {
  readonly dataPolicy: DataPolicy | null;
  readonly hardware: Hardware | null;
}

/** Why a provider that is connected, or registered, sells nothing now. */
export const WITHHELD_REASONS = [
  'not_connected',
  'unregistered',
  'waiting_for_approval',
  'registration_refused',
  'paused_by_owner',
  'outside_hours',
  'models_not_announced',
  'quality_below_own_limit',
  'wait_beyond_own_limit',
  'payout_method_missing',
  'limit_reached',
] as const;
export type WithheldReason = (typeof WITHHELD_REASONS)[number];

/** What is sold now of what a device announces; or why nothing is. */
export type BoundOffer =
  | {
      readonly ok: true;
      readonly offer: Offer;
      /** False: it is for its owner's tenant alone. */
      readonly isShared: boolean;
    }
  | { readonly ok: false; readonly reason: WithheldReason };

/** What a provider has shown. */
export interface ShownByProvider {
  /** It has had work since it came on the market last. */
  readonly hasWorked: boolean;
  /** From 0 to 1. */
  readonly quality: number;
  /** Milliseconds to the first token of an ordinary prompt; null: not shown. */
  firstTokenMs(model: string): number | null;
}

/** What a test request to a provider showed. */
export interface TriedOut {
  readonly model: string;
  /** Milliseconds of a message to its program and back; null: it gave no answer. */
  readonly connectionMs: number | null;
  /** Milliseconds to the first text; null: none came. */
  readonly firstTokenMs: number | null;
  /** What was answered, and milliseconds from its first piece to its last. */
  readonly text: string;
  readonly textMs: number;
  /** Null: it was answered. */
  readonly failureCode: FailureCode | 'request_rejected' | null;
}

/** The way to a provider: whatever protocol its transport speaks. False everywhere: it is gone, or too slow. */
export interface ProviderLink {
  /** Gives it a request. */
  request(order: ProviderOrder): boolean;
  /** It may send this many more bytes of the answer. */
  grant(requestId: TransactionId, bytes: number): boolean;
  /** Nobody waits for this answer any more. */
  cancel(requestId: TransactionId): boolean;
  /** Resolves when the device's program has answered a message that asks nothing of it. Absent: the protocol has none. */
  echo?(id: TransactionId): Promise<void>;
}

/** A request as its provider gets it. */
export interface ProviderOrder {
  readonly requestId: TransactionId;
  readonly model: string;
  readonly task: ComputeTask;
  /** JSON in UTF-8. The link cuts it into as many messages as its protocol needs. */
  readonly body: Uint8Array;
  /** The last message of the body is the beginning of the answer, which is to be gone on with. */
  readonly isContinuation: boolean;
  /** Null: until the model ends by itself. */
  readonly completionTokensMax: number | null;
  readonly firstTokenTimeoutMs: number;
  readonly stallTimeoutMs: number;
  /** Bytes of the answer it may send before it is granted more. */
  readonly creditBytes: number;
}

/** A piece of an answer. */
export interface CompletionDelta {
  /** `choices[0].delta` as the provider's endpoint gave it. */
  readonly fields: JsonObject;
  /** Everything in `fields` that costs tokens: content, reasoning, refusal, names and arguments of tool calls. */
  readonly text: string;
  /** What it counts against the credit. */
  readonly bytes: number;
}

/** The next piece of an answer. `index` counts from 0; a gap or a repetition is a malformed answer. */
export interface DeltaMessage {
  readonly requestId: string;
  readonly index: number;
  readonly delta: CompletionDelta;
}

/** Tokens as a provider counted them. */
export interface TokenClaim {
  readonly promptTokens: number;
  /** The part of `promptTokens` that its endpoint found in its cache. */
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  /** The part of `completionTokens` that is reasoning. */
  readonly reasoningTokens: number;
}

/** The end of an answer; with `error` the answer failed. */
export interface ResultMessage {
  readonly requestId: string;
  /** As the provider's endpoint gave it: `stop`, `length`, `tool_calls`, or whatever follows. */
  readonly finishReason: string;
  /** Null: it didn't say. */
  readonly claim: TokenClaim | null;
  readonly error: ProviderError | null;
  /**
   * Checks what its device signed of it, and gives that; null or absent: nothing. Throws where it is wrong. It is called where the result
   * would end something, before anything is done: what nobody waits for costs no check.
   */
  readonly signature?: () => DeviceSignature | null;
}

/** Whose fault a failure is, as its provider tells it. */
export type ProviderFault = 'provider' | 'requester' | 'busy' | 'model_unknown' | 'stalled' | 'malformed';

/** What a provider says went wrong. */
export interface ProviderError {
  readonly fault: ProviderFault;
  /** In the words of its endpoint. Whoever reads it must know that they are a stranger's. */
  readonly reason: string;
  /** The HTTP status of its endpoint, where there was one. */
  readonly status: number | null;
  /** The field of the request that its endpoint names; null: none. */
  readonly param: string | null;
  /** Of one without room: seconds after which it may be asked for this model again; absent or 0: it doesn't say. */
  readonly retryAfterSeconds?: number;
}

/** Why an attempt, or a whole request, brought no answer. */
export type FailureCode =
  | 'provider_failed'
  | 'provider_stalled'
  | 'provider_vanished'
  | 'provider_answer_malformed'
  /** It has no room at the moment. */
  | 'provider_busy'
  /** Its endpoint refuses what is asked. */
  | 'request_rejected'
  | 'reader_stalled'
  | 'request_cancelled'
  | 'request_timed_out'
  | 'unavailable';

/** How an attempt ended. */
export type AttemptEnd =
  | { readonly kind: 'answered'; readonly finishReason: string; readonly claim: TokenClaim | null }
  | { readonly kind: 'failed'; readonly code: FailureCode }
  /** What is asked can't be served, by this provider's word: the requester is told, nobody else is asked. */
  | { readonly kind: 'rejected'; readonly error: ProviderError }
  /** It was never sent: its slot was given back. */
  | { readonly kind: 'unused' };

/** What checks may say of a provider's model. */
export const CHECK_VERDICTS = ['unchecked', 'agrees', 'differs', 'doubted'] as const;
/**
 * `agrees`: it answers as the reference, or as most owners do. `differs`: otherwise than another owner's, and nobody can say who is right.
 * `doubted`: otherwise than the reference, or than most owners; it gets no requests for a while. It is evidence, no proof.
 */
export type CheckVerdict = (typeof CHECK_VERDICTS)[number];

/** What is published of the checks of a provider's model. */
export interface PublishedCheck {
  readonly model: string;
  readonly verdict: CheckVerdict;
  readonly comparedTokens: number;
  readonly checkedAtMs: number | null;
}

/** A provider's model that is sold to others, as checks need to know it. */
export interface CheckableOffer {
  readonly providerId: ProviderId;
  /** The tenant whose it is. */
  readonly ownerId: string;
  readonly model: string;
  readonly givesLogprobs: boolean;
  /** Its answers so far, and their mean length; null before the first. */
  readonly answers: number;
  readonly meanTokens: number | null;
  /** It pads its answers, or claims more tokens than it delivers. */
  readonly isOutlier: boolean;
}

/** A provider that is connected now, as anybody may see it. */
export interface ListedProvider extends DeclaredByOwner {
  readonly checks: readonly PublishedCheck[];
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
  /** The lowest price of each kind, whoever asks it. */
  readonly pricesMin: TokenPrices;
  /** What one of its providers or another declares, in the order of `FEATURES`. */
  readonly features: readonly Feature[];
}
