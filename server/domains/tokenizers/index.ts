export { TOKENIZER_BODY_BYTES_MAX } from './limits.ts';
export type { SellingOwners, TokenizerReader } from './ports.ts';
export { createTokenizerService, type TokenizerService } from './service.ts';
export { createTokenizerStore } from './store.postgres.ts';
export type * from './types.ts';
