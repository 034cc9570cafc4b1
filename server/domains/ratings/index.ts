export { STARS_MAX } from './limits.ts';
export { createRatingService, type RatingService } from './service.ts';
export { createRatingStore } from './store.postgres.ts';
export type * from './types.ts';
