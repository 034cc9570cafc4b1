import { readFileSync } from 'node:fs';
import { createApp } from './app.ts';
import { readConfig } from './config/index.ts';
import { StartError } from './kernel/start-error.ts';
import { createLogger } from './platform/logging/index.ts';
import { createSystemClock } from './platform/system/clock.ts';
import { createSystemRandom } from './platform/system/random.ts';

/** Process entry: environment, signals, exit code. The only file of the server that touches `process`. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger({ level: config.logLevel, destination: 2 });
  const app = await createApp(config, {
    clock: createSystemClock(),
    random: createSystemRandom(),
    logger,
    coreWasm: readFileSync(new URL('./core.wasm', import.meta.url)),
  });

  let stopping = false;
  const stop = (reason: string, exitCode: number) => {
    if (stopping) {
      logger.warn({ operation: 'server.stop', reason }, 'stopping at once');
      process.exit(1);
    }
    stopping = true;
    logger.info({ operation: 'server.stop', reason }, 'stopping');
    app.stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.error({ operation: 'server.stop', error }, 'not stopped in order');
        process.exit(1);
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
          'There is no user yet. Make the first administrator with this one-time code:',
          `Set-up code: ${setupCode}`,
          `  curl -X POST http://${http}/api/v1/setup -H 'content-type: application/json' \\`,
          `    -d '{"code":"${setupCode}","name":"Administrator"}'`,
        ]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

main().catch((error: unknown) => {
  // What only the operator can mend is said in words; a stack is for what only we can.
  const text =
    error instanceof StartError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
});
