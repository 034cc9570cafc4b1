import type { AccountId, TenantId } from '../../kernel/ids.ts';

/** SHA-256 of a tokenizer's file, unpacked, in hexadecimal. */
export type TokenizerHash = string;

/** By which rule a tokenizer counts for a model: it was the first, most owners brought it, or an operator said so. */
export type TokenizerRule = 'first' | 'majority' | 'operator';

/** The tokenizer that counts for a model. */
export interface TokenizerInUse {
  readonly model: string;
  readonly hash: TokenizerHash;
  readonly rule: TokenizerRule;
  /** The operator's account; null: the rule alone. */
  readonly decidedBy: AccountId | null;
  readonly decidedAtMs: number;
}

/** A tokenizer that an owner has brought for a model. */
export interface BroughtTokenizer {
  readonly model: string;
  readonly hash: TokenizerHash;
  readonly broughtAtMs: number;
  /** False: another one counts for the model, and this one is used by nobody. */
  readonly isInUse: boolean;
}

/** A model for which owners have brought different files. */
export interface TokenizerDifference {
  readonly inUse: TokenizerInUse;
  /** All that were brought, with how many owners brought each. */
  readonly brought: readonly { readonly hash: TokenizerHash; readonly owners: number }[];
}

/** A tokenizer's file, packed as it is kept. */
export interface PackedTokenizer {
  readonly tenantId: TenantId;
  readonly model: string;
  readonly hash: TokenizerHash;
  readonly packed: Uint8Array;
}
