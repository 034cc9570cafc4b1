import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { removeData } from '../../server/platform/files/remove-data.ts';
import { type Accounts, openAccounts } from './accounts.ts';
import { type ComputeFigures, computeJourney } from './journey-compute.ts';
import { type RelayFigures, relayJourney } from './journey-relay.ts';
import type { CommandLine } from './model.ts';
import { microcentsOf, moneySchema } from './money.ts';
import type { Programs } from './programs.ts';
import type { Progress } from './progress.ts';
import { RestClient } from './rest-client.ts';
import { type RunningServer, type ServerEnvironment, startServer } from './server-program.ts';

/** What a run of both journeys comes to: the last line of `npm run demo -- --once`. */
export interface DemoFigures {
  readonly relay: RelayFigures;
  readonly compute: ComputeFigures;
  readonly ledgerSumMicrocents: number;
}

/** How a run takes place. */
export interface DemoRun {
  /** Of the server: its configuration. */
  readonly environment: ServerEnvironment;
  /** Removes what the run left behind, after its programs have ended. */
  cleanUp(): void;
}

/** A story that was told; its programs still run. */
export interface ToldStory {
  readonly figures: DemoFigures;
  readonly server: RunningServer;
}

/**
 * `once`: a run with a data directory, a database and ports of its own, so that it disturbs nothing and leaves nothing.
 * Otherwise a run where the environment says, with a data directory of its own unless that is said, too.
 */
export function prepareRun(once: boolean): DemoRun {
  if (!once) {
    const directory = process.env.YGGDRASIL_DATA_DIR || './demo-data';
    return { environment: { ...process.env, YGGDRASIL_DATA_DIR: directory }, cleanUp: () => {} };
  }
  const { DATABASE_URL: _, ...environment } = process.env;
  // Created by the server, which knows what user has to own what is in it.
  const directory = join(tmpdir(), `yggdrasil-demo-${randomUUID()}`);
  return {
    environment: {
      ...environment,
      YGGDRASIL_DATA_DIR: directory,
      YGGDRASIL_PORT: '0',
      YGGDRASIL_MQTT_PORT: '0',
    },
    cleanUp() {
      // The database may be elsewhere, behind a link.
      removeData(directory);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Starts the server and runs both journeys, with a language model where there is one that can be started. Rejects when one fails, or a program ends that shouldn't. */
export async function tellStory(
  run: DemoRun,
  programs: Programs,
  progress: Progress,
  modelServer: CommandLine | null,
): Promise<ToldStory> {
  progress.chapter('The server');
  progress.step('It starts, with its database and MQTT broker inside.');
  const server = await startServer(programs, run.environment, progress);
  progress.detail(`ready at ${server.httpUrl}, data in ${resolve(server.dataDirectory)}`);
  const figures = await Promise.race([
    runJourneys(server, programs, progress, modelServer),
    programs.failure,
  ]);
  return { figures, server };
}

async function runJourneys(
  server: RunningServer,
  programs: Programs,
  progress: Progress,
  modelServer: CommandLine | null,
): Promise<DemoFigures> {
  const rest = new RestClient(server.httpUrl);
  progress.step('An administrator sets it up; a household and a seller get users, networks and devices.');
  const accounts = await openAccounts(rest, server.dataDirectory, server.setUpCode);

  progress.chapter('Journey A: a device speaks to a browser, and listens to it');
  const relay = await relayJourney(server, accounts, programs, progress);

  progress.chapter('Journey B: computing time is sold and bought');
  const compute = await computeJourney(server, accounts, programs, rest, progress, modelServer);

  progress.step('The books are checked: all accounts together must come to zero.');
  const sum = await trialBalance(rest, accounts);
  progress.detail(`sum of the ledger: ${sum} euros`);
  if (sum !== '0') throw new Error(`the ledger does not balance: ${sum} euros`);
  return { relay, compute, ledgerSumMicrocents: microcentsOf(sum) };
}

async function trialBalance(rest: RestClient, accounts: Accounts): Promise<string> {
  const { token } = accounts.administrator;
  const answer = z.object({ entriesSum: moneySchema });
  return (await rest.request('GET', '/api/v1/ledger/trial-balance', answer, { token })).entriesSum.value;
}
