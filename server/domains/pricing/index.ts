export { billableText, billableTextInTurn } from './billable-text.ts';
export * from './limits.ts';
export { createModelTokenCounter, type TokenCounter } from './model-token-counter.ts';
export type { ModelTokenizers, Tokenizer } from './ports.ts';
export * from './prices.ts';
export {
  createPricingService,
  type Price,
  type PricingCore,
  type PricingOptions,
  type PricingService,
} from './service.ts';
export { type CountedMessage, createTokenCounter, type PlainTokenCounter } from './token-counter.ts';
