import type { Config } from '../config/index.ts';
import {
  createAccountStore,
  createOfflineAccounts,
  createOfflineTokenStore,
  type OfflineAccounts,
} from '../domains/accounts/index.ts';
import { PLATFORM } from '../domains/audit/index.ts';
import { createTenantRows } from '../domains/tenants/index.ts';
import { StartError } from '../kernel/start-error.ts';
import { hasSecrets } from '../platform/secrets/index.ts';
import { createLifecycle } from './lifecycle.ts';
import { type AppDependencies, buildPlatform, databasePart } from './platform.ts';

/** What closing the database gets, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Works on the database of a server that is stopped, for who has its data directory. Refuses with StartError while the server
 * runs: what it keeps in memory would not be told; and where there is no server's data. The audit has it as `operation`.
 */
export async function workOffline<Value>(
  config: Config,
  dependencies: AppDependencies,
  operation: string,
  work: (accounts: OfflineAccounts) => Promise<Value>,
): Promise<Value> {
  const directory = config.dataDirectory;
  if (!hasSecrets(directory)) {
    throw new StartError(
      `No server has run with the data directory ${directory}: name its own in YGGDRASIL_DATA_DIR.`,
    );
  }
  const platform = await buildPlatform(config, dependencies, () => {}).catch(stopTheServer);
  const parts = [databasePart(platform)];
  const lifecycle = createLifecycle(parts, { stopTimeoutMs: CLOSE_TIMEOUT_MS }, platform);
  await lifecycle.start().catch(stopTheServer);
  try {
    const { database, audit } = platform;
    const accounts = createOfflineAccounts({
      ...platform,
      store: createAccountStore(database, createTenantRows()),
      tokens: createOfflineTokenStore(database),
    });
    const actor = { kind: 'service', tenantId: PLATFORM, service: 'command-line' } as const;
    const entry = audit.recorder.begin({ operation, audit: 'change', actor, requestId: operation });
    const value = await entry.run(() => work(accounts));
    await entry.end(null);
    return value;
  } finally {
    await lifecycle.stop();
  }
}

function stopTheServer(error: unknown): never {
  if (!(error instanceof StartError)) throw error;
  throw new StartError(`${error.message} This command works while the server is stopped.`, error);
}
