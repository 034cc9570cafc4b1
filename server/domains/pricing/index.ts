export * from './limits.ts';
export * from './prices.ts';
export {
  createPricingService,
  type Price,
  type PricingCore,
  type PricingOptions,
  type PricingService,
} from './service.ts';
export { type CountedMessage, countPromptTokens, countTokens } from './token-counter.ts';
