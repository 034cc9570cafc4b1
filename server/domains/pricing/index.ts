export * from './limits.ts';
export { createPricingService, type Price, type PricingCore, type PricingService } from './service.ts';
export { type CountedMessage, countPromptTokens, countTokens } from './token-counter.ts';
