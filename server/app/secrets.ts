import type { Config } from '../config/index.ts';
import { createSealedAccessTokenKeys } from '../domains/accounts/index.ts';
import {
  createAuditRecorder,
  createAuditStore,
  createSealedAuditKeys,
  PLATFORM,
} from '../domains/audit/index.ts';
import {
  createSealedClaims,
  createSealedPreviousKeys,
  createSealedSigningKeys,
} from '../domains/devices/index.ts';
import { createSealedAnswers } from '../domains/requests/index.ts';
import type { Database } from '../kernel/database.ts';
import type { SealedRows } from '../kernel/sealed-rows.ts';
import { StartError } from '../kernel/start-error.ts';
import {
  findRunningDatabase,
  isWithoutTable,
  type OpenDatabase,
  openDatabase,
} from '../platform/database/index.ts';
import {
  createDataKeyStore,
  createSecretFolder,
  hasSecrets,
  type Rotation,
  rotateMasterKey,
  type SecretFolder,
} from '../platform/secrets/index.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { AppDependencies, Platform } from './platform.ts';

/** What closing the database gets, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * The keys that secrets are sealed under: finishes a rotation that was cut short. Refuses to start with secrets that the database
 * was not made with.
 */
export function secretsPart({ devices }: Identity, { secretBox, random, dataDirectory }: Platform): Part {
  return {
    name: 'secrets',
    async start() {
      const isThere = await secretBox.load();
      // A key that is made now belongs to these secrets: they must be the right ones.
      if (!(await devices.secretsFit())) {
        throw new StartError(
          `The database belongs to other secrets than those in ${dataDirectory}: it has devices whose keys they don't ` +
            'open. Put the secrets.json back that was made with it.',
        );
      }
      if (!isThere) await secretBox.makeFirst(random);
    },
  };
}

/** Every table that has sealed secrets. */
export function sealedTables(database: Database): SealedRows[] {
  return [
    createSealedSigningKeys(database),
    createSealedPreviousKeys(database),
    createSealedClaims(database),
    createSealedAuditKeys(database),
    createSealedAnswers(database),
    createSealedAccessTokenKeys(database),
  ];
}

type Dependencies = Pick<AppDependencies, 'clock' | 'random' | 'logger'>;

/** What works on the secrets of a server. */
export interface OpenSecrets {
  readonly folder: SecretFolder;
  readonly opened: OpenDatabase;
}

/**
 * Opens the secrets and the database of a server, whether it runs or not, for who has its data directory. Refuses with StartError where
 * there is none, and a database that is older than what it is asked for.
 */
export async function workBesideServer<Value>(
  { dataDirectory, databaseUrl }: Config,
  dependencies: Dependencies,
  work: (open: OpenSecrets) => Promise<Value>,
): Promise<Value> {
  if (!hasSecrets(dataDirectory)) {
    throw new StartError(
      `No server has run with the data directory ${dataDirectory}: name its own in YGGDRASIL_DATA_DIR.`,
    );
  }
  const folder = createSecretFolder(dataDirectory, dependencies.random);
  const { databaseSecret: secret } = (await folder.read()).current;
  const url = databaseUrl ?? (await findRunningDatabase(dataDirectory, secret));
  const source =
    url === null
      ? ({ kind: 'embedded', dataDirectory, secret } as const)
      : ({ kind: 'server', url, secret } as const);
  const opened = await openDatabase({ source, poolConnectionsMax: 1 }, dependencies);
  try {
    return await work({ folder, opened });
  } catch (error) {
    if (!isWithoutTable(error)) throw error;
    throw new StartError('The database is older than this version: start a server of it on it once.', error);
  } finally {
    await opened.close(CLOSE_TIMEOUT_MS);
  }
}

/** Rotates the master key, beside a running server or without one. Refuses as `workBesideServer` and `rotateMasterKey`. */
export function rotateSecrets(config: Config, dependencies: Dependencies): Promise<Rotation> {
  return workBesideServer(config, dependencies, async ({ folder, opened: { database } }) => {
    const recorder = createAuditRecorder({
      ...dependencies,
      store: createAuditStore(database),
      noted: () => {},
    });
    const actor = { kind: 'service', tenantId: PLATFORM, service: 'command-line' } as const;
    const operation = 'commandLine.secrets.rotate';
    const entry = recorder.begin({ operation, audit: 'change', actor, requestId: operation });
    const rotation = await rotateMasterKey({
      folder,
      store: createDataKeyStore(database),
      tables: sealedTables(database),
      random: dependencies.random,
    });
    await entry.end(null);
    return rotation;
  });
}
