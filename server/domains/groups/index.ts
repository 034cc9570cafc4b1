export { GroupBook } from './group-book.ts';
export { ADDED_TOGETHER_MAX } from './limits.ts';
export { createGroupService, type GroupService } from './service.ts';
export { createGroupStore } from './store.postgres.ts';
export type { DeviceGroup } from './types.ts';
