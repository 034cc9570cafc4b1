export { type App, createApp } from './app.ts';
export type { AppDependencies } from './platform.ts';
