import { readFileSync } from 'node:fs';
import { type App, createApp, removeEmbedded } from './app/index.ts';
import { readConfig } from './config/index.ts';
import { StartError } from './kernel/start-error.ts';
import { createLogger } from './platform/logging/index.ts';
import { createSystemClock } from './platform/system/clock.ts';
import { createSystemRandom } from './platform/system/random.ts';

/**
 * What the end of the parts gets beyond the time limit for running work, in milliseconds: to write what that left, and
 * for the checkpoint of the embedded database (which finishes without us).
 */
const STOP_GRACE_MS = 5_000;

/** What log lines that wait for their reader get when the process ends, in milliseconds. */
const LOG_FLUSH_TIMEOUT_MS = 500;

/** Another server has taken over the database: a failure for now, not of this server (EX_TEMPFAIL of sysexits.h). */
const LEASE_LOST_EXIT_CODE = 75;

/**
 * Process entry of the server: environment, signals, exit code. The only file of the server that touches `process`. Ends the
 * process with exit code 1 when the server can't start.
 */
export async function runServer(): Promise<void> {
  await startServer().catch((error: unknown) => {
    // What only the operator can mend is said in words; a stack is for what only we can.
    const text =
      error instanceof StartError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${text}\n`);
    process.exit(1);
  });
}

/** Removes the data directory with its embedded database. A database that `DATABASE_URL` names is left alone. */
export async function removeServerData(): Promise<void> {
  const { dataDirectory } = readConfig(process.env);
  const removed = await removeEmbedded(dataDirectory);
  const lines =
    removed.length === 0 ? ['There is nothing to remove.'] : removed.map((path) => `removed ${path}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function startServer(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger({ level: config.logLevel, destination: process.stderr });
  const clock = createSystemClock();
  // Who reads the output may go: the server goes on without.
  process.stdout.on('error', () => {});
  let app: App | null = null;
  let stopping: { readonly exitCode: number } | null = null;

  const exit = (exitCode: number) => logger.flush(LOG_FLUSH_TIMEOUT_MS).finally(() => process.exit(exitCode));
  const end = (running: App, exitCode: number) =>
    running.stop().then(
      () => exit(exitCode),
      (error: unknown) => {
        logger.error({ operation: 'server.stop', error }, 'not stopped in order');
        return exit(exitCode === 0 ? 1 : exitCode);
      },
    );
  const stop = (reason: string, exitCode: number) => {
    if (stopping !== null) {
      logger.warn({ operation: 'server.stop', reason }, 'stopping at once');
      process.exit(1);
    }
    stopping = { exitCode };
    logger.info({ operation: 'server.stop', reason }, 'stopping');
    clock.after(config.shutdownTimeoutSeconds * 1000 + STOP_GRACE_MS, () => {
      logger.error({ operation: 'server.stop', reason }, 'not stopped in time: stopping at once');
      process.exit(1);
    });
    // Without an app its database is just being opened: what waits for it ends it.
    if (app !== null) end(app, exitCode);
  };
  // Before anything is awaited: the first process of a container has no other end.
  process.on('SIGINT', () => stop('SIGINT', 0));
  process.on('SIGTERM', () => stop('SIGTERM', 0));
  process.on('unhandledRejection', (error) => {
    logger.error({ operation: 'server.process', error }, 'unhandled rejection');
    stop('unhandled rejection', 1);
  });
  const stopWanted = () => stopping;

  const running = await createApp(config, {
    clock,
    random: createSystemRandom(),
    logger,
    leaseLost: () => stop('another server has taken over the database', LEASE_LOST_EXIT_CODE),
    coreWasm: readFileSync(new URL('./core.wasm', import.meta.url)),
    tokenizerWorker: new URL('./tokenizer-worker.js', import.meta.url),
  });
  app = running;
  const wanted = stopWanted();
  if (wanted !== null) return end(running, wanted.exitCode);
  try {
    const addresses = await running.start();
    announce(addresses, await running.offerSetupCode());
  } catch (error) {
    // The start was cut short: `stop` ends the process when the parts have ended.
    if (stopWanted() === null) throw error;
  }
}

/** Tells the operator where the server can be reached, and how the first account is made. */
function announce({ http, mqtt }: { http: string; mqtt: string }, setupCode: string | null): void {
  const lines = [
    'Yggdrasil is ready.',
    `  HTTP       http://${http}      documentation at /docs`,
    `  WebSocket  ws://${http}/bifrost`,
    `  MQTT       mqtt://${mqtt}`,
    '  Stop with Ctrl-C.',
    ...(setupCode === null
      ? []
      : [
          '',
          'There is no user yet. Make the first operator with this one-time code:',
          `Set-up code: ${setupCode}`,
          `  curl -X POST http://${http}/api/v1/setup -H 'content-type: application/json' \\`,
          `    -d '{"code":"${setupCode}","name":"Operator"}'`,
        ]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
