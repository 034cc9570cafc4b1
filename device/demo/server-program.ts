import { setTimeout as wait } from 'node:timers/promises';
import { READY_POLL_MS, SERVER_READY_TIMEOUT_MS } from './limits.ts';
import type { Program, Programs } from './programs.ts';
import type { Progress } from './progress.ts';

/** The server's configuration, its data directory said. */
export type ServerEnvironment = NodeJS.ProcessEnv & { readonly YGGDRASIL_DATA_DIR: string };

/** A server that is ready. */
export interface RunningServer {
  readonly dataDirectory: string;
  readonly httpUrl: string;
  readonly bifrostUrl: string;
  readonly ratatoskrUrl: string;
  readonly mqttUrl: string;
  /** The one-time code for the first administrator; null when there is one already. */
  readonly setUpCode: string | null;
}

/** What the server writes on stdout when it is ready: its addresses, and the set-up code if it offers one. */
const LINES = {
  http: /^\s*HTTP\s+(http:\/\/[^\s/]+)/,
  bifrost: /^\s*WebSocket\s+(ws:\/\/\S+)/,
  mqtt: /^\s*MQTT\s+(mqtt:\/\/\S+)/,
  setUpCode: /^Set-up code: (\S+)/,
} as const;

type FoundLines = Partial<Record<keyof typeof LINES, string>>;

/** Starts the server and waits until it says that it is ready. Rejects when it doesn't get there. */
export async function startServer(
  programs: Programs,
  environment: ServerEnvironment,
  progress: Progress,
): Promise<RunningServer> {
  const server = programs.start('the server', ['server'], environment);
  const found = watchLines(server);
  const startedAtMs = Date.now();
  let toldAtMs = startedAtMs;
  for (;;) {
    const { http, bifrost, mqtt, setUpCode } = found;
    if (http !== undefined && bifrost !== undefined && mqtt !== undefined && (await isReady(http))) {
      return {
        dataDirectory: environment.YGGDRASIL_DATA_DIR,
        httpUrl: http,
        bifrostUrl: bifrost,
        ratatoskrUrl: `${http.replace('http', 'ws')}/ratatoskr`,
        mqttUrl: mqtt,
        setUpCode: setUpCode ?? null,
      };
    }
    const nowMs = Date.now();
    if (nowMs - startedAtMs > SERVER_READY_TIMEOUT_MS) {
      throw new Error(`the server is not ready after ${SERVER_READY_TIMEOUT_MS / 1000} s`);
    }
    if (nowMs - toldAtMs > 2_000) {
      progress.detail(`still waiting for it (${Math.round((nowMs - startedAtMs) / 1000)} s)`);
      toldAtMs = nowMs;
    }
    await Promise.race([wait(READY_POLL_MS), programs.failure]);
  }
}

function watchLines(server: Program): FoundLines {
  const found: FoundLines = {};
  server.onLine((line) => {
    for (const name of Object.keys(LINES) as (keyof typeof LINES)[]) {
      const value = LINES[name].exec(line)?.[1];
      if (value !== undefined) found[name] = value;
    }
  });
  return found;
}

async function isReady(httpUrl: string): Promise<boolean> {
  const signal = AbortSignal.timeout(2_000);
  return fetch(`${httpUrl}/readyz`, { signal }).then(
    ({ status }) => status === 200,
    () => false,
  );
}
