/** The compute core for Node: what browsers have, and the server's core. */
export * from './index.ts';
export { loadServerCore, type ServerCoreOptions } from './server-core.ts';
