export { createKnownCallers, type KnownCallers } from './known-callers.ts';
export { PresenceLog } from './presence-log.ts';
export { type ConnectionRegistry, createConnectionRegistry } from './registry.ts';
export { createPresenceStore } from './store.postgres.ts';
export type { Arrival, ConnectionFilter, LiveConnection, PresenceChange } from './types.ts';
