import { readFileSync } from 'node:fs';
import {
  type App,
  type AppDependencies,
  createApp,
  liftAbuse,
  listAbuse,
  removeEmbedded,
  rotateSecrets,
  verifyAuditLogs,
  workOffline,
} from './app/index.ts';
import { endsTls, readConfig } from './config/index.ts';
import { asId } from './kernel/ids.ts';
import type { Logger } from './kernel/logger.ts';
import { StartError } from './kernel/start-error.ts';
import { createLineFormat, createLogger } from './platform/logging/index.ts';
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
export async function removeServerData(output: Output): Promise<void> {
  const { dataDirectory } = readConfig(process.env);
  const removed = await removeEmbedded(dataDirectory);
  tell(
    output,
    removed.map((path) => ({ facts: { removed: path }, text: `removed ${path}` })),
    'There is nothing to remove.',
  );
}

/** Makes a user with a tenant of its own and prints its token, once. */
export async function addUser(name: string, operator: boolean, output: Output): Promise<void> {
  await offline('commandLine.users.add', output, async (accounts) => {
    const { account, token } = await accounts.addUser(name, operator);
    const text = `User:  ${account.id}${operator ? ' (operator)' : ''}\nToken: ${token}`;
    return [{ facts: { id: account.id, operator, token }, text }];
  });
}

/** Prints every user: id, whether it is an operator, name. */
export async function listUsers(output: Output): Promise<void> {
  const list = async (accounts: OfflineAccounts) => {
    const users: Told[] = [];
    for (let page = await accounts.listUsers(null, LISTED_TOGETHER); page.length > 0; ) {
      for (const { id, operator, name } of page)
        users.push({
          facts: { id, operator, name },
          text: `${id}  ${operator ? 'operator' : 'user    '}  ${name}`,
        });
      const last = page.at(-1);
      page =
        last === undefined
          ? []
          : await accounts.listUsers({ createdAtMs: last.createdAtMs, id: last.id }, LISTED_TOGETHER);
    }
    return users;
  };
  await offline('commandLine.users.list', output, list, 'There is no user.');
}

/** Revokes a token. Fails where there is none of this id. */
export async function revokeToken(tokenId: string, output: Output): Promise<void> {
  await offline('commandLine.tokens.revoke', output, async (accounts) => {
    if (!(await accounts.revokeToken(asId(tokenId)))) throw new StartError(`There is no token ${tokenId}.`);
    return [{ facts: { revoked: tokenId }, text: `revoked ${tokenId}` }];
  });
}

/** Revokes every token of a user. */
export async function revokeTokensOf(userId: string, output: Output): Promise<void> {
  await offline('commandLine.tokens.revokeAll', output, async (accounts) => {
    const tokens = await accounts.revokeTokensOf(asId(userId));
    return [{ facts: { userId, revokedTokens: tokens }, text: `revoked ${tokens} tokens` }];
  });
}

/** Prints a new code for the first operator. Fails where there are users. */
export async function printSetupCode(output: Output): Promise<void> {
  await offline('commandLine.setupCode.create', output, async (accounts) => {
    const code = await accounts.offerSetupCode();
    if (code === null)
      throw new StartError(
        'There are users already: "yggdrasil user add <name> --operator" makes an operator.',
      );
    return [{ facts: { setupCode: code }, text: `Set-up code: ${code}` }];
  });
}

/**
 * Verifies the audit, of one tenant or (null) of all, against what it says of itself and what these files of witnesses say.
 * Prints every problem, and fails where there is one.
 */
export async function verifyAudit(
  tenantId: string | null,
  witnessFiles: readonly string[],
  output: Output,
): Promise<void> {
  const logger = createLogger({ level: 'error', destination: process.stderr });
  const files = new Map(witnessFiles.map((path) => [path, readText(path)]));
  const report = await verifyAuditLogs(readConfig(process.env), processDependencies(logger), {
    tenantId: tenantId === null ? null : asId(tenantId),
    witnessFiles: files,
  });
  const lines = [
    `logs: ${report.logs}, records: ${report.records}, signed heads: ${report.heads}, waiting: ${report.waiting}`,
    `heads of witnesses: ${report.witnessedHeads}, of them too old to be compared: ${report.tooOld}`,
    ...report.problems.map((problem) => `tenant ${problem.tenantId}: ${problem.index}: ${problem.what}`),
  ];
  tell(output, [{ facts: report, text: lines.join('\n') }]);
  if (report.problems.length > 0) throw new StartError(`${report.problems.length} problems were found.`);
}

/** Prints who is throttled, cut off or locked. */
export async function printAbuse(output: Output): Promise<void> {
  const logger = createLogger({ level: 'error', destination: process.stderr });
  const measures = await listAbuse(readConfig(process.env), processDependencies(logger));
  const told = measures.map(({ id, subject, measure, kind, endsAtMs }) => {
    const endsAt = new Date(endsAtMs).toISOString();
    const words = [id, measure, 'until', endsAt, 'for', kind, subject.kind, subject.id];
    return { facts: { id, subject, measure, kind, endsAt }, text: words.join(' ') };
  });
  tell(output, told, 'Nothing is done about anybody.');
}

/** Undoes what is done about somebody. Fails where there is nothing of this id. */
export async function undoAbuse(id: string, output: Output): Promise<void> {
  const logger = createLogger({ level: 'error', destination: process.stderr });
  await liftAbuse(readConfig(process.env), processDependencies(logger), id);
  tell(output, [{ facts: { lifted: id }, text: `lifted ${id}` }]);
}

/** Puts a new master key in the place of the one in `secrets.json`, and prints the ids of both. */
export async function rotateMasterKey(output: Output): Promise<void> {
  const logger = createLogger({ level: 'error', destination: process.stderr });
  const { previousKeyId, keyId, resealed, unreadable } = await rotateSecrets(
    readConfig(process.env),
    processDependencies(logger),
  );
  const lines = [
    `Master key:   ${keyId}`,
    `Retired:      ${previousKeyId}. Backups of the database from before open with a copy of the old secrets.json alone.`,
    `Sealed anew:  ${resealed}`,
    ...(unreadable > 0 ? [`Unreadable:   ${unreadable}, left as they are`] : []),
  ];
  const facts = { keyId, previousKeyId, resealed, unreadable };
  tell(output, [{ facts, text: lines.join('\n') }]);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new StartError(`${path} can't be read: ${(error as Error).message}`, error);
  }
}

/** Users that are read together. */
const LISTED_TOGETHER = 500;

/** How a command says what it did. */
interface Output {
  readonly json?: boolean;
}

/** One thing that a command tells: to programs, and to people. */
interface Told {
  readonly facts: object;
  readonly text: string;
}

/** Each on a line of its own; `nothing` for people where there is none. */
function tell({ json }: Output, told: readonly Told[], nothing = ''): void {
  const lines = told.map(({ facts, text }) => (json === true ? JSON.stringify(facts) : text));
  if (lines.length === 0 && json !== true) lines.push(nothing);
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

type OfflineAccounts = Parameters<Parameters<typeof workOffline>[3]>[0];

/** Works while the server is stopped, and tells what came of it. */
async function offline(
  operation: string,
  output: Output,
  work: (accounts: OfflineAccounts) => Promise<readonly Told[]>,
  nothing?: string,
): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger({ level: 'error', destination: process.stderr });
  const told = await workOffline(config, processDependencies(logger), operation, work);
  tell(output, told, nothing);
}

/** What the process gives every app. */
function processDependencies(logger: Logger): AppDependencies {
  return {
    clock: createSystemClock(),
    random: createSystemRandom(),
    logger,
    coreWasm: readFileSync(new URL('./core.wasm', import.meta.url)),
    tokenizerWorker: new URL('./tokenizer-worker.js', import.meta.url),
    modelTokenizerWorker: new URL('./model-tokenizer-worker.js', import.meta.url),
    page: new URL('./page/', import.meta.url),
  };
}

/** https://no-color.org */
const wantsColours = (): boolean => (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';

async function startServer(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger({
    level: config.logLevel,
    destination: process.stderr,
    ...(process.stderr.isTTY ? { format: await createLineFormat({ colours: wantsColours() }) } : {}),
  });
  const dependencies = processDependencies(logger);
  const { clock } = dependencies;
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
    ...dependencies,
    print: (text) => process.stdout.write(`${text}\n`),
    leaseLost: () => stop('another server has taken over the database', LEASE_LOST_EXIT_CODE),
  });
  app = running;
  const wanted = stopWanted();
  if (wanted !== null) return end(running, wanted.exitCode);
  try {
    const addresses = await running.start();
    announce(addresses, endsTls(config), await running.offerSetupCode());
  } catch (error) {
    // The start was cut short: `stop` ends the process when the parts have ended.
    if (stopWanted() === null) throw error;
  }
}

/** Tells the operator where the server can be reached, and how the first account is made. */
function announce(
  { http, mqtt, ratatoskr }: Awaited<ReturnType<App['start']>>,
  withTls: boolean,
  setupCode: string | null,
): void {
  const s = withTls ? 's' : '';
  const lines = [
    'Yggdrasil is ready.',
    `  HTTP       http${s}://${http}      open it in a browser; the API is described at /docs`,
    `  WebSocket  ws${s}://${http}/bifrost`,
    `  MQTT       mqtt${s}://${mqtt}`,
    ...(ratatoskr === null ? [] : [`  Ratatoskr  ws${s}://${ratatoskr}/ratatoskr`]),
    '  Stop with Ctrl-C.',
    ...(setupCode === null
      ? []
      : [
          '',
          'There is no user yet. Open this page to make the first operator:',
          `  http${s}://${http}/#/setup?code=${setupCode}`,
          'or do it without a page, with this one-time code:',
          `Set-up code: ${setupCode}`,
          `  curl -X POST http${s}://${http}/api/v1/setup -H 'content-type: application/json' \\`,
          `    -d '{"code":"${setupCode}","name":"Operator"}'`,
        ]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
