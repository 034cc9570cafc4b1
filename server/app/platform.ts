import { loadServerCore } from '../../assembly/host/node.ts';
import type { Config } from '../config/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Database } from '../kernel/database.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { openDatabase } from '../platform/database/index.ts';
import { createMetrics } from '../platform/metrics/prometheus.ts';
import { createNode, createNodeStore, type Node } from '../platform/node/index.ts';
import { createSecretBox, loadSecrets } from '../platform/secrets/index.ts';
import { prepareDataDirectory } from '../platform/system/data-directory.ts';
import { createTokenizer } from '../platform/tokenizer/index.ts';
import type { Part } from './lifecycle.ts';

/** What the process gives: time, chance, a place for log lines, the built core. */
export interface AppDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The bytes of `core.wasm`. */
  readonly coreWasm: Uint8Array;
  /** The built `server/platform/tokenizer/worker.ts`. */
  readonly tokenizerWorker: URL;
  /** Another server has taken over the database: this one must end. Without it the app stops by itself. */
  readonly leaseLost?: () => void;
  /** For tests: an answer that is not what its route describes is an error. */
  readonly checkAnswers?: boolean;
  /** For tests: what the stores use in place of the database that was opened. */
  readonly wrapDatabase?: (database: Database) => Database;
}

/** The adapters to the outside that every area uses. */
export type Platform = Awaited<ReturnType<typeof buildPlatform>>;

/** Opens the database and the secrets in the data directory, and loads the compute core. */
export async function buildPlatform(config: Config, dependencies: AppDependencies, leaseLost: () => void) {
  const { clock, random, logger } = dependencies;
  const core = loadServerCore(dependencies.coreWasm);
  const metrics = createMetrics();
  const dataDirectory = await prepareDataDirectory(config.dataDirectory);
  const secrets = await loadSecrets(dataDirectory, random);
  const opened = await openDatabase(
    {
      source:
        config.databaseUrl === undefined
          ? { kind: 'embedded', dataDirectory, secret: secrets.databaseSecret }
          : { kind: 'server', url: config.databaseUrl, secret: secrets.databaseSecret },
      poolConnectionsMax: config.databasePoolConnectionsMax,
    },
    { clock, random, logger },
  );
  const database = dependencies.wrapDatabase?.(opened.database) ?? opened.database;
  const encoder = new TextEncoder();
  return {
    clock,
    random,
    logger,
    core,
    metrics,
    tokenizer: createTokenizer(dependencies.tokenizerWorker, { logger }),
    dataDirectory,
    secrets,
    opened,
    database,
    node: createNode({
      store: createNodeStore(database),
      clock,
      random,
      logger,
      lost: leaseLost,
    }),
    secretBox: createSecretBox(secrets.masterKey),
    /** SHA-256 of a secret's UTF-8 bytes. */
    hash: (secret: string) => core.sha256(encoder.encode(secret)),
  };
}

/** The database: for this server alone, with the schema of this version. */
export function databasePart({ opened, node }: Pick<Platform, 'opened' | 'node'>): Part {
  return {
    name: 'database',
    async start() {
      await opened.useExclusively(() => node.isLeaseOver());
      await opened.migrate();
    },
    stop: (leftMs) => opened.close(leftMs),
  };
}

/** This start of the server among others: takes the right to write, and gives it back when nothing writes any more. */
export function nodePart(node: Node): Part {
  return {
    name: 'node',
    start: () => node.start(),
    stop: () => node.stop(),
  };
}
