/** The package `yggdrasil-client` as browsers load it: the client library with the core in it. */
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
import { packagedCore } from './core.ts';

export type { SigningKey } from '../../assembly/host/index.ts';
export * from '../client/index.ts';
export { packagedCore } from './core.ts';

/** A client of Bifrost that isn't connected yet. Throws `CredentialsError` for credentials that can't be used. */
export const createBifrostClient = (
  options: BifrostClientOptions,
  dependencies: Partial<BifrostClientDependencies<SigningKey>> = {},
): BifrostClient => createWithCore(options, { core: packagedCore(), ...dependencies });

/** A client of Ratatoskr that begins to connect. Throws `CredentialsError` for credentials that can't be used. */
export const connectRatatoskr = (
  options: RatatoskrOptions,
  dependencies: Partial<RatatoskrDependencies<SigningKey>> = {},
): RatatoskrClient<SigningKey> => connectWithCore(options, { core: packagedCore(), ...dependencies });
