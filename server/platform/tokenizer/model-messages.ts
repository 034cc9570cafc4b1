/** What a thread that counts with tokenizers of models is asked. */
export type ModelWorkerQuestion =
  | {
      readonly kind: 'count';
      /** Names the tokenizer. */
      readonly hash: string;
      /** The tokenizer's file; null: the thread may have read it before. */
      readonly content: Uint8Array | null;
      readonly portions: readonly (readonly string[])[];
    }
  | { readonly kind: 'examine'; readonly content: Uint8Array; readonly sample: string };

/** What it answers. */
export type ModelWorkerAnswer =
  | { readonly kind: 'counted'; readonly tokens: readonly number[] }
  /** It has not read this tokenizer. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'examined'; readonly examination: Examination };

/** What a file is. */
export type Examination =
  /** A tokenizer, which makes so many tokens of the sample. */
  | { readonly kind: 'good'; readonly sampleTokens: number }
  /** No tokenizer, or none that can be counted with. */
  | { readonly kind: 'unreadable' }
  /** One with which some texts take long. */
  | { readonly kind: 'slow' };
