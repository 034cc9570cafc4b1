export { billableText, billableTextInTurn } from './billable-text.ts';
export * from './limits.ts';
export type { Tokenizer } from './ports.ts';
export * from './prices.ts';
export {
  createPricingService,
  type Price,
  type PricingCore,
  type PricingOptions,
  type PricingService,
} from './service.ts';
export { type CountedMessage, createTokenCounter, type TokenCounter } from './token-counter.ts';
