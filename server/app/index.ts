export { removeEmbedded } from '../platform/database/embedded/remove.ts';
export { liftAbuse, listAbuse } from './abuse-commands.ts';
export { type App, createApp } from './app.ts';
export { workOffline } from './offline.ts';
export type { AppDependencies } from './platform.ts';
export { rotateSecrets } from './secrets.ts';
export { verifyAuditLogs } from './verification.ts';
