export { removeEmbedded } from '../platform/database/embedded/remove.ts';
export { type App, createApp } from './app.ts';
export type { AppDependencies } from './platform.ts';
