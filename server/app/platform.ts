import { loadServerCore } from '../../assembly/host/node.ts';
import type { Config } from '../config/index.ts';
import { SuspendedTenants } from '../domains/administration/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Database } from '../kernel/database.ts';
import type { Logger } from '../kernel/logger.ts';
import { isLoopback } from '../kernel/network-address.ts';
import type { Random } from '../kernel/random.ts';
import { databaseFolder, openDatabase } from '../platform/database/index.ts';
import { createLogMemory } from '../platform/logging/index.ts';
import { createSmtpMailer } from '../platform/mail/smtp.ts';
import { createTerminalMailer } from '../platform/mail/terminal.ts';
import type { Mailer } from '../platform/mail/types.ts';
import { createMetrics } from '../platform/metrics/prometheus.ts';
import { createNode, createNodeStore, type Node } from '../platform/node/index.ts';
import { createPasswordHasher } from '../platform/password-hash/index.ts';
import { createDataKeyStore, createKeyring, createSecretFolder, ed25519 } from '../platform/secrets/index.ts';
import { prepareDataDirectory } from '../platform/system/data-directory.ts';
import { createDiskWatch } from '../platform/system/disk-watch.ts';
import { readClientAuthority } from '../platform/tls/certificate-files.ts';
import { createTokenizer } from '../platform/tokenizer/index.ts';
import { createModelTokenizers } from '../platform/tokenizer/model-tokenizers.ts';
import { buildAudit } from './audit.ts';
import type { Part } from './lifecycle.ts';
import { createTls } from './tls.ts';

/** What the process gives: time, chance, a place for log lines, the built core. */
export interface AppDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The bytes of `core.wasm`. */
  readonly coreWasm: Uint8Array;
  /** The built `server/platform/tokenizer/worker.ts`. */
  readonly tokenizerWorker: URL;
  /** The built `server/platform/tokenizer/model-worker.ts`. */
  readonly modelTokenizerWorker: URL;
  /** The folder of the built page, which ends in a slash. */
  readonly page: URL;
  /** Shows a text to who runs the server, and nobody else: it holds secrets. Without it nothing is shown. */
  readonly print?: (text: string) => void;
  /** Another server has taken over the database: this one must end. Without it the app stops by itself. */
  readonly leaseLost?: () => void;
  /** For tests: an answer that is not what its route describes is an error. */
  readonly checkAnswers?: boolean;
  /** For tests: what the stores use in place of the database that was opened. */
  readonly wrapDatabase?: (database: Database) => Database;
}

const encoder = new TextEncoder();

/** The adapters to the outside that every area uses. */
export type Platform = Awaited<ReturnType<typeof buildPlatform>>;

/** Opens the database and the secrets in the data directory, and loads the compute core. */
export async function buildPlatform(config: Config, dependencies: AppDependencies, leaseLost: () => void) {
  const { clock, random } = dependencies;
  const logMemory = createLogMemory(dependencies.logger, clock);
  const { logger } = logMemory;
  const core = loadServerCore(dependencies.coreWasm);
  const metrics = createMetrics();
  const dataDirectory = await prepareDataDirectory(config.dataDirectory);
  const folder = createSecretFolder(dataDirectory, random);
  const { databaseSecret: secret } = (await folder.read()).current;
  const opened = await openDatabase(
    {
      source:
        config.databaseUrl === undefined
          ? { kind: 'embedded', dataDirectory, secret }
          : { kind: 'server', url: config.databaseUrl, secret },
      poolConnectionsMax: config.databasePoolConnectionsMax,
    },
    { clock, random, logger },
  );
  const secretBox = createKeyring(folder, createDataKeyStore(opened.database));
  const audit = buildAudit(config, dependencies.wrapDatabase?.(opened.database) ?? opened.database, {
    secretBox,
    ed25519,
    clock,
    random,
    logger,
  });
  const { database } = audit;
  const disk = createDiskWatch(
    {
      folder: opened.kind === 'embedded' ? databaseFolder(dataDirectory) : null,
      reserveBytes: config.diskReserveBytes,
    },
    { clock, logger },
  );
  metrics.measuredGauge(
    { name: 'yggdrasil_disk_free_bytes', help: "Free bytes of the embedded database's disk." },
    () => disk.freeBytes ?? Number.NaN,
  );
  return {
    clock,
    random,
    logger,
    logMemory,
    suspended: new SuspendedTenants(),
    core,
    metrics,
    tls: createTls(config, dataDirectory, { clock, logger }),
    mqttClientAuthority: await readClientAuthority(config.mqttClientAuthorityFile),
    mailer: createMailer(config, { ...dependencies, logger }),
    tokenizer: createTokenizer(dependencies.tokenizerWorker, { logger }),
    modelTokenizers: createModelTokenizers(dependencies.modelTokenizerWorker, { logger }),
    dataDirectory,
    disk,
    opened,
    database,
    node: createNode({
      store: createNodeStore(database),
      clock,
      random,
      logger,
      lost: leaseLost,
    }),
    secretBox,
    audit,
    passwordHasher: createPasswordHasher(),
    /** SHA-256 of a secret's UTF-8 bytes. */
    hash: (secret: string) => core.sha256(encoder.encode(secret)),
  };
}

/** By the mail server, else on the terminal where nobody but who sits there reaches the server, else not at all. */
function createMailer(config: Config, { logger, print }: AppDependencies): Mailer | null {
  const { smtpUrl: url, mailFrom: from } = config;
  if (url !== undefined && from !== undefined) return createSmtpMailer({ url, from }, { logger });
  const isPrivate = isLoopback(config.host) && isLoopback(config.mqttHost);
  return isPrivate && print !== undefined ? createTerminalMailer(print) : null;
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

/** The watch over the disk, before anything is written and until nothing is. */
export function diskPart({ disk }: Pick<Platform, 'disk'>): Part {
  return { name: 'disk', start: () => disk.start(), stop: () => disk.stop() };
}

/** This start of the server among others: takes the right to write, and gives it back when nothing writes any more. */
export function nodePart(node: Node): Part {
  return {
    name: 'node',
    start: () => node.start(),
    stop: () => node.stop(),
  };
}
