import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, type AppDependencies, createApp } from '../../server/app/index.ts';
import { readConfig } from '../../server/config/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { coreWasm, modelTokenizerWorker, page, tokenizerWorker } from './core.ts';
import { createTestDatabase } from './database.ts';
import { createMemoryLogger, type LogLine } from './logger.ts';

export interface RequestOptions {
  readonly body?: unknown;
  /** The body as it is sent, in place of `body`. */
  readonly text?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Fails the test when the status is another. */
  readonly expect?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The server as users have it, in this process, on ports and with a database of its own. */
export interface TestServer {
  readonly httpUrl: string;
  readonly webSocketUrl: string;
  readonly mqttUrl: string;
  readonly databaseUrl: string;
  /** Where its secrets are. */
  readonly dataDirectory: string;
  readonly setupCode: string;
  readonly catalogue: App['catalogue'];
  readonly served: App['served'];
  readonly logs: readonly LogLine[];
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** A POST that must succeed; its answer. */
  post<T>(path: string, body: unknown, token?: string): Promise<T>;
  get<T>(path: string, token?: string): Promise<T>;
  /** Stops the server; its database stays. */
  stopApp(): Promise<void>;
  /** Stops the server and removes what it kept, whatever fails. */
  stop(): Promise<void>;
}

const requestsTo =
  (httpUrl: string) =>
  async (method: string, path: string, options: RequestOptions = {}): Promise<Answer> => {
    const { body, text, token, headers, expect } = options;
    const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(httpUrl + path, {
      method,
      ...(sent === undefined ? {} : { body: sent }),
      headers: {
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    const answer = await readAnswer(response);
    if (expect !== undefined && response.status !== expect) {
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    }
    return { status: response.status, headers: response.headers, body: answer };
  };

/** The body, but of a stream only that it is one: it has no end. */
async function readAnswer(response: Response): Promise<Record<string, unknown>> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (!isStream) return (await response.json()) as Record<string, unknown>;
  await response.body?.cancel();
  return { stream: true };
}

/** Starts a server; `environment` adds to its configuration, `dependencies` to what its process gives. */
export async function startTestServer(
  environment: Readonly<Record<string, string>> = {},
  dependencies: Partial<Pick<AppDependencies, 'wrapDatabase' | 'print' | 'clock'>> = {},
): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'yggdrasil-test-'));
  const database = await createTestDatabase();
  const { logger, lines } = createMemoryLogger();
  const config = readConfig({
    YGGDRASIL_PORT: '0',
    YGGDRASIL_MQTT_PORT: '0',
    YGGDRASIL_DATA_DIR: directory,
    DATABASE_URL: database.url,
    ...environment,
  });
  const app: App = await createApp(config, {
    clock: createSystemClock(),
    random: createSystemRandom(),
    logger,
    coreWasm: coreWasm(),
    tokenizerWorker,
    modelTokenizerWorker,
    page,
    checkAnswers: true,
    ...dependencies,
  });
  const { http, mqtt } = await app.start();
  const setupCode = (await app.offerSetupCode()) ?? '';
  const httpUrl = `http://${http}`;

  const request = requestsTo(httpUrl);

  return {
    httpUrl,
    webSocketUrl: `ws://${http}`,
    mqttUrl: `mqtt://${mqtt}`,
    databaseUrl: database.url,
    dataDirectory: directory,
    setupCode,
    catalogue: app.catalogue,
    served: app.served,
    logs: lines,
    request,
    post: async <T>(path: string, body: unknown, token?: string) =>
      (await request('POST', path, { body, token, expect: 201 })).body as T,
    get: async <T>(path: string, token?: string) =>
      (await request('GET', path, { token, expect: 200 })).body as T,
    stopApp: () => app.stop(),
    stop: async () => {
      try {
        await app.stop();
      } finally {
        await database.close();
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}
