import { loadServerCore } from '../assembly/host/node.ts';
import type { Config } from './config/index.ts';
import { createDeviceService, createDeviceStore, type DeviceService } from './domains/devices/index.ts';
import {
  createLedgerService,
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  LedgerWriter,
} from './domains/ledger/index.ts';
import {
  createMarketplaceService,
  createMarketplaceStore,
  MARKETPLACE_TIMES,
} from './domains/marketplace/index.ts';
import { createNetworkService, createNetworkStore } from './domains/networks/index.ts';
import { countPromptTokens, countTokens, createPricingService } from './domains/pricing/index.ts';
import { createQualityService, createQualityStore } from './domains/quality/index.ts';
import { createRelayService, createRelayStore } from './domains/relay/index.ts';
import { createUserService, createUserStore } from './domains/users/index.ts';
import { startMoneyJobs } from './jobs/money-jobs.ts';
import { startRelayJobs } from './jobs/relay-jobs.ts';
import type { RepeatedJob } from './jobs/repeat.ts';
import type { Clock } from './kernel/clock.ts';
import type { Logger } from './kernel/logger.ts';
import type { Random } from './kernel/random.ts';
import { StartError } from './kernel/start-error.ts';
import { openDatabase } from './platform/database/index.ts';
import { createHttpServer } from './platform/http/server.ts';
import { createMetrics } from './platform/metrics/prometheus.ts';
import { createMqttServer } from './platform/mqtt/server.ts';
import { createSecretBox, loadSecrets } from './platform/secrets/index.ts';
import { prepareDataDirectory } from './platform/system/data-directory.ts';
import { createBifrostEndpoint } from './transports/bifrost/endpoint.ts';
import { createMqttEndpoint } from './transports/mqtt/endpoint.ts';
import { OPENAI_DESCRIPTIONS } from './transports/openai/descriptions.ts';
import { createOpenAiTransport } from './transports/openai/transport.ts';
import type { RestRoute } from './transports/rest/define-route.ts';
import { createDocumentationRoutes } from './transports/rest/documentation-routes.ts';
import { errorResponse } from './transports/rest/error-response.ts';
import { createRestRoutes } from './transports/rest/routes.ts';
import { createServerRoutes } from './transports/rest/server-routes.ts';
import { createRestTransport } from './transports/rest/transport.ts';

/** What the process gives: time, chance, a place for log lines, the built core. */
export interface AppDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The bytes of `core.wasm`. */
  readonly coreWasm: Uint8Array;
  /** For tests: an answer that is not what its route describes is an error. */
  readonly checkAnswers?: boolean;
}

/** A server that was built and not yet started. */
export interface App {
  /** Finishes what a crash interrupted, then listens. Rejects with StartError what only the operator can mend. */
  start(): Promise<{ http: string; mqtt: string }>;
  /** A new one-time code for the first administrator; null when there are users. */
  offerSetupCode(): Promise<string | null>;
  /**
   * Ends everything in order; see "Stopping" in ARCHITECTURE.md. A part that fails doesn't keep the others from their
   * end; rejects with the first failure. How long a part that hangs is waited for is the caller's.
   */
  stop(): Promise<void>;
  /** What REST offers, for tests that enumerate it. */
  readonly restRoutes: readonly RestRoute[];
}

/**
 * The composition root: opens the database, builds every part once, top-down, and joins them. Nothing listens before
 * `start`.
 */
export async function createApp(config: Config, dependencies: AppDependencies): Promise<App> {
  const { clock, random, logger } = dependencies;
  const shutdownTimeoutMs = config.shutdownTimeoutSeconds * 1000;

  // Platform
  const core = loadServerCore(dependencies.coreWasm);
  const metrics = createMetrics();
  const dataDirectory = await prepareDataDirectory(config.dataDirectory);
  const secrets = await loadSecrets(dataDirectory, random);
  const opened = await openDatabase(
    {
      source:
        config.databaseUrl === undefined
          ? { kind: 'embedded', dataDirectory, secret: secrets.databaseSecret }
          : {
              kind: 'server',
              url: config.databaseUrl,
              ...(config.databaseOwnerUrl === undefined ? {} : { ownerUrl: config.databaseOwnerUrl }),
            },
      poolConnectionsMax: config.databasePoolConnectionsMax,
    },
    { clock, random, logger },
  );
  const { database } = opened;

  // Domains
  const secretBox = createSecretBox(secrets.masterKey);
  const encoder = new TextEncoder();
  const hash = (secret: string) => core.sha256(encoder.encode(secret));
  const users = createUserService({ store: createUserStore(database), clock, random, hash });
  const networks = createNetworkService({ store: createNetworkStore(database), clock, random });
  const relay = createRelayService(
    { retentionMs: config.streamRetentionHours * 3_600_000, streamFramesMax: config.streamFramesMax },
    {
      store: createRelayStore(database),
      core,
      // Each knows the other: who is connected is the relay's, who belongs to a network is the devices'.
      devices: (): DeviceService => devices,
      clock,
      random,
      logger,
      metrics: relayMetrics(),
    },
  );
  const devices = createDeviceService({
    store: createDeviceStore(database),
    networks,
    presence: relay,
    secretBox,
    clock,
    random,
    hash,
  });
  const ledgerStore = createLedgerStore(database);
  const ledgerWriter = new LedgerWriter(LEDGER_WRITER_LIMITS, { store: ledgerStore, clock, random, logger });
  const ledger = createLedgerService({ writer: ledgerWriter, store: ledgerStore, users, clock });
  const pricing = createPricingService({ commissionBasisPoints: config.commissionBasisPoints }, { core });
  const quality = createQualityService({ core, store: createQualityStore(database), clock, logger });
  const marketplace = createMarketplaceService(
    {
      nodeId: secrets.nodeId,
      times: {
        ...MARKETPLACE_TIMES,
        holdLifeMs: config.holdTimeoutSeconds * 1000,
        firstTokenTimeoutMs: config.providerFirstTokenTimeoutMs,
        stallTimeoutMs: config.providerStallTimeoutMs,
        requestTimeoutMs: config.requestTimeoutSeconds * 1000,
        slotWaitMs: config.slotWaitMs,
      },
    },
    {
      store: createMarketplaceStore(database),
      ledger,
      pricing,
      quality,
      core,
      countTokens,
      secretBox,
      clock,
      random,
      logger,
    },
  );

  // Transports
  const identify = async (token: string) =>
    (await users.identify(token)) ?? (await devices.authenticate(token))?.actor ?? null;
  const requestSeconds = metrics.histogram({
    name: 'yggdrasil_http_request_duration_seconds',
    help: 'Time to the answer of an HTTP request, to its beginning when it is streamed.',
    labels: ['operation', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  });
  const observe = (request: { operation: string; status: number; durationMs: number }) =>
    requestSeconds.observe(
      { operation: request.operation, status: String(request.status) },
      request.durationMs / 1000,
    );
  const apiRoutes = [
    ...createRestRoutes({ users, networks, devices, ledger, marketplace }),
    ...createServerRoutes({
      checks: {
        database: opened.ping,
        listening: async () => {
          if (!listening) throw new Error('not listening');
        },
      },
      renderMetrics: metrics.render,
      clock,
      logger,
    }),
  ];
  const restRoutes = [
    ...apiRoutes,
    ...createDocumentationRoutes([...apiRoutes, ...OPENAI_DESCRIPTIONS], {
      title: 'Yggdrasil',
      version: '1',
      description: 'Devices, networks, money and computing time. `/v1` speaks the OpenAI convention.',
    }),
  ];
  const http = createHttpServer(
    { host: config.host, port: config.port, closeGraceMs: shutdownTimeoutMs },
    {
      routes: [
        ...createRestTransport({
          routes: restRoutes,
          identify,
          logger,
          clock,
          observe,
          checkAnswers: dependencies.checkAnswers ?? false,
        }),
        ...createOpenAiTransport({ marketplace, countPromptTokens, identify, logger, clock, observe }),
      ],
      websockets: [
        createBifrostEndpoint({
          relay,
          devices,
          marketplace,
          clock,
          logger,
          heartbeatIntervalMs: config.heartbeatIntervalSeconds * 1000,
        }),
      ],
      respondToError: errorResponse,
      newRequestId: () => random.uuid(),
      logger,
    },
  );
  const mqtt = createMqttServer(
    { host: config.mqttHost, port: config.mqttPort },
    { endpoint: createMqttEndpoint({ relay, devices, marketplace, logger }), logger },
  );

  let listening = false;
  const jobs: RepeatedJob[] = [];
  const stopJobs = () => Promise.all(jobs.map((job) => job.stop()));
  return {
    restRoutes,

    async start() {
      try {
        await opened.useExclusively();
        await opened.migrate();
        if (!(await devices.secretsFit())) {
          throw new StartError(
            `The database belongs to other secrets than those in ${dataDirectory}: it has devices whose keys they don't ` +
              'open. Put the secrets.json back that was made with it.',
          );
        }
        jobs.push(await startMoneyJobs({ ledger, marketplace, quality, clock, logger }));
        jobs.push(startRelayJobs({ relay, clock, logger }));
        const { port } = await http.listen();
        const { port: mqttPort } = await mqtt.listen();
        listening = true;
        return { http: address(config.host, port), mqtt: address(config.mqttHost, mqttPort) };
      } catch (error) {
        await stopJobs();
        await http.close();
        await mqtt.close();
        await opened.close(0);
        throw error;
      }
    },

    offerSetupCode: users.offerSetupCode,

    async stop() {
      const endMs = clock.monotonicMs() + shutdownTimeoutMs;
      const leftMs = () => Math.max(0, endMs - clock.monotonicMs());
      listening = false;
      http.stopAccepting();
      mqtt.stopAccepting();
      await runEvery([
        () => within(leftMs(), marketplace.drain()),
        () => marketplace.close(),
        () => within(leftMs(), http.close()),
        () => mqtt.close(),
        stopJobs,
        () => relay.stop(),
        () => ledgerWriter.close(),
        () => opened.close(leftMs()),
      ]);
      logger.info({ operation: 'server.stop' }, 'stopped');
    },
  };

  function relayMetrics() {
    const forwarded = metrics.counter({
      name: 'yggdrasil_relay_frames_total',
      help: 'Frames forwarded.',
      labels: ['delivery'],
    });
    const dropped = metrics.counter({
      name: 'yggdrasil_relay_frames_dropped_total',
      help: 'Frames that were not delivered to a connected device.',
      labels: ['reason'],
    });
    const batches = metrics.histogram({
      name: 'yggdrasil_relay_batch_frames',
      help: 'Frames stored in one transaction.',
      labels: [],
      buckets: [1, 5, 10, 50, 100, 500],
    });
    metrics.measuredGauge(
      { name: 'yggdrasil_relay_sessions', help: 'Connected devices.' },
      () => relay.sessionCount,
    );
    return {
      frameForwarded: (delivery: 'transient' | 'stored') => forwarded.add({ delivery }),
      frameDropped: (reason: 'slow_consumer') => dropped.add({ reason }),
      batchStored: (frames: number) => batches.observe({}, frames),
    };
  }

  /** Resolves with the work, or when its time is over. */
  function within(timeoutMs: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = clock.after(timeoutMs, resolve);
      work.then(resolve, reject).finally(cancel);
    });
  }
}

/** Takes the steps one after the other, each whatever became of those before; rejects at the end with the first error. */
async function runEvery(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** As in a URL: an IPv6 address in brackets (RFC 3986 section 3.2.2). */
function address(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
