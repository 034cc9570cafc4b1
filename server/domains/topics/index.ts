export { WILL_BYTES_MAX } from './limits.ts';
export type { TreeEvents, TreeStore } from './ports.ts';
export type { QueueLimits } from './queue-limits.ts';
export { restrictSession } from './restrict.ts';
export { createTopicService, type TopicService, type TreeUse } from './service.ts';
export { createTreeStore } from './store.postgres.ts';
export { Tree } from './tree.ts';
export type { Kept, Packet, QueuedMessage, TreeOwner } from './types.ts';
