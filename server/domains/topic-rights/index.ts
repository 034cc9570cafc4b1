export { FILTER_LENGTH_MAX, FILTERS_MAX } from './limits.ts';
export { isCovered } from './rules.ts';
export { createTopicRightsService, type FollowedRights, type TopicRightsService } from './service.ts';
export { createTopicRightsStore } from './store.postgres.ts';
export type { RightsHolder, TopicRights } from './types.ts';
