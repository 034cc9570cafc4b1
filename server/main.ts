import { readFileSync } from 'node:fs';
import { createApp } from './app/index.ts';
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

async function startServer(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger({ level: config.logLevel, destination: 2 });
  const clock = createSystemClock();
  const app = await createApp(config, {
    clock,
    random: createSystemRandom(),
    logger,
    leaseLost: () => stop('another server has taken over the database', LEASE_LOST_EXIT_CODE),
    coreWasm: readFileSync(new URL('./core.wasm', import.meta.url)),
    tokenizerWorker: new URL('./tokenizer-worker.js', import.meta.url),
  });

  let stopping = false;
  const stop = (reason: string, exitCode: number) => {
    if (stopping) {
      logger.warn({ operation: 'server.stop', reason }, 'stopping at once');
      process.exit(1);
    }
    stopping = true;
    logger.info({ operation: 'server.stop', reason }, 'stopping');
    clock.after(config.shutdownTimeoutSeconds * 1000 + STOP_GRACE_MS, () => {
      logger.error({ operation: 'server.stop', reason }, 'not stopped in time: stopping at once');
      process.exit(1);
    });
    app.stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.error({ operation: 'server.stop', error }, 'not stopped in order');
        process.exit(exitCode === 0 ? 1 : exitCode);
      },
    );
  };
  process.on('SIGINT', () => stop('SIGINT', 0));
  process.on('SIGTERM', () => stop('SIGTERM', 0));
  process.on('unhandledRejection', (error) => {
    logger.error({ operation: 'server.process', error }, 'unhandled rejection');
    stop('unhandled rejection', 1);
  });

  const { http, mqtt } = await app.start();
  const setupCode = await app.offerSetupCode();
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
