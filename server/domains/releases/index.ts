export { RELEASE_PART_BYTES } from './limits.ts';
export { createReleaseService, type ReleaseService } from './service.ts';
export { createReleaseStore } from './store.postgres.ts';
export type { Release, ReleaseKey, SignedManifest } from './types.ts';
