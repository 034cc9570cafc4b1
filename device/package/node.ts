/** The same for Node: with a WebSocket of its own, which Node 20 has none of, and Node's own cryptography. */
import type { SigningKey } from '../../assembly/host/index.ts';
import {
  type BifrostClient,
  type BifrostClientDependencies,
  type BifrostClientOptions,
  connectRatatoskr as connectWithCore,
  createBifrostClient as createWithCore,
  type RatatoskrClient,
  type RatatoskrDependencies,
  type RatatoskrOptions,
} from '../client/index.ts';
import { nodeSessions } from '../node/ratatoskr.ts';
import { openNodeSocket } from '../node/websocket.ts';
import { packagedCore } from './core.ts';

export * from '../client/index.ts';
export { createTlsPaths, type TlsPathsOptions } from '../node/direct/tls-paths.ts';
export { packagedCore } from './core.ts';

/** As in browsers. */
export const createBifrostClient = (
  options: BifrostClientOptions,
  dependencies: Partial<BifrostClientDependencies<SigningKey>> = {},
): BifrostClient =>
  createWithCore(options, {
    core: packagedCore(),
    openSocket: openNodeSocket,
    crypto: nodeSessions(packagedCore()).crypto,
    ...dependencies,
  });

/** As in browsers. */
export const connectRatatoskr = (
  options: RatatoskrOptions,
  dependencies: Partial<RatatoskrDependencies<SigningKey>> = {},
): RatatoskrClient<SigningKey> =>
  connectWithCore(options, { ...nodeSessions(packagedCore()), ...dependencies });
