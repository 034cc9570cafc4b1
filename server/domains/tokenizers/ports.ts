import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import type {
  BroughtTokenizer,
  PackedTokenizer,
  TokenizerDifference,
  TokenizerHash,
  TokenizerInUse,
} from './types.ts';

/** Where tokenizers are kept. */
export interface TokenizerStore {
  /** All that are in use. */
  inUse(): Promise<readonly TokenizerInUse[]>;
  /** True: a file with this hash was looked at, and is kept. */
  isKept(hash: TokenizerHash): Promise<boolean>;
  /** The file, packed; null: it isn't kept. */
  read(hash: TokenizerHash): Promise<Uint8Array | null>;
  /**
   * Writes that an owner brought it, in place of what it brought before for the model, and decides anew which one counts. `full`: the
   * owner has brought some for as many other models as it may.
   */
  bring(
    tokenizer: PackedTokenizer,
    nowMs: number,
  ): Promise<{ readonly inUse: TokenizerInUse; readonly broughtAtMs: number } | 'full'>;
  /** What the actor's tenant has brought, by model. */
  list(actor: AccountActor): Promise<readonly Omit<BroughtTokenizer, 'isInUse'>[]>;
  /** Models for which owners have brought different files: `limit` behind `after`. */
  differences(after: string | null, limit: number): Promise<readonly TokenizerDifference[]>;
  /** An operator's word; null: nobody has brought this file for this model. */
  decide(
    model: string,
    hash: TokenizerHash,
    decidedBy: AccountId,
    nowMs: number,
  ): Promise<TokenizerInUse | null>;
}

/** What owners sell. */
export interface SellingOwners {
  /** Refuses with `provider_not_found` who isn't the actor's, with `model_not_found` what it doesn't sell. */
  requireSold(actor: AccountActor, providerId: string, model: string): Promise<void>;
  /** Whether the tenant has a verified way to be paid: only such have a say in how others are billed. */
  canBePaid(tenantId: TenantId): Promise<boolean>;
}

/** Reads tokenizers, elsewhere than on the event loop. */
export interface TokenizerReader {
  /** What a file is; `sampleTokens` are those of the sample. */
  examine(
    content: Uint8Array,
    sample: string,
  ): Promise<
    | { readonly kind: 'good'; readonly sampleTokens: number }
    | { readonly kind: 'unreadable' }
    | { readonly kind: 'slow' }
  >;
  countTokens(
    hash: TokenizerHash,
    portions: readonly (readonly string[])[],
    readContent: () => Promise<Uint8Array>,
  ): Promise<readonly number[]>;
}

/** Counts the sample as it is counted for models without a tokenizer. */
export interface SampleCounter {
  countText(tenantId: TenantId, text: string): Promise<number>;
}
