/** Bytes of a body that brings a tokenizer, packed or not: the largest known ones have 5.5 MB packed. */
export const TOKENIZER_BODY_BYTES_MAX = 8_388_608;
/** Bytes of a tokenizer's file: the largest known ones have 33 MB. */
export const TOKENIZER_BYTES_MAX = 50_331_648;
/** Models that a tenant may have brought tokenizers for. */
export const TENANT_TOKENIZERS_MAX = 20;
/** Milliseconds between two files of one tenant that are looked at: each takes seconds of a processor. */
export const EXAMINATION_INTERVAL_MS = 20_000;
/** Files of all tenants that are looked at, or wait for that: each may have 48 MiB of memory. */
export const EXAMINATIONS_WAITING_MAX = 8;
/** Owners who must have brought another file before it takes the place of the one that is in use. */
export const MAJORITY_OWNERS_MIN = 2;
/**
 * A tokenizer makes of ordinary text at least this part of what o200k_base makes of it, and at most this many times as many: one that
 * counts every byte would bill four times what others do.
 */
export const PLAUSIBLE_TOKENS_MIN = 0.5;
export const PLAUSIBLE_TOKENS_MAX = 3;
/** The ordinary text. */
export const SAMPLE =
  'The server counts what passes through it, and bills the smaller of two numbers: its own, and what was claimed. ' +
  'A provider brings the file of its tokenizer once. Others who sell the same model are expected to bring the same one, ' +
  'because a model has one tokenizer, whoever runs it. On Monday 12 March 2026 there were 3,418 requests in 24 hours. ' +
  'Der Zug nach München fährt heute um 17:45 Uhr ab und kommt gegen Mitternacht an; wer später kommt, nimmt den nächsten.\n' +
  'function sum(values) { return values.reduce((total, value) => total + value, 0); }\n';
