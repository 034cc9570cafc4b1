import type { Config } from '../config/index.ts';
import { createHttpServer } from '../platform/http/server.ts';
import {
  type ConnectionBudget,
  createConnectionBudget,
  PROTOCOLS,
} from '../platform/listening/connection-budget.ts';
import { connectionsWithin, readDescriptorLimit } from '../platform/listening/descriptors.ts';
import type { Metrics } from '../platform/metrics/types.ts';
import { createMqttServer } from '../platform/mqtt/server.ts';
import { createBifrostEndpoint } from '../transports/bifrost/endpoint.ts';
import { createFrames } from '../transports/frames/frames.ts';
import { createMqttEndpoint } from '../transports/mqtt/endpoint.ts';
import { openAiErrorResponse } from '../transports/openai/errors.ts';
import { createOpenAiTransport, isOpenAiPath } from '../transports/openai/transport.ts';
import { createLogAudit } from '../transports/pipeline/audit.ts';
import { createRunningLimiter } from '../transports/pipeline/limiter.ts';
import { createPipeline } from '../transports/pipeline/pipeline.ts';
import { errorResponse } from '../transports/rest/error-response.ts';
import { createRestTransport } from '../transports/rest/transport.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Market } from './market.ts';
import type { Messaging } from './messaging.ts';
import { createCatalogue, type HttpServices } from './operations.ts';
import type { AppDependencies, Platform } from './platform.ts';

/** The areas that the transports reach. */
export interface Areas {
  readonly platform: Platform;
  readonly identity: Identity;
  readonly messaging: Messaging;
  readonly market: Market;
}

/** Everything that listens. */
export type Transports = ReturnType<typeof buildTransports>;

/** Builds the listeners; none listens before its part starts. Every operation joins the one pipeline here. */
export function buildTransports(config: Config, areas: Areas, dependencies: AppDependencies) {
  const { platform, messaging, identity, market } = areas;
  const { clock, random, logger, metrics } = platform;
  const { providers } = market;
  const { identify, devices } = identity;
  const { relay, connections } = messaging;
  const state = { accepts: false };
  const catalogue = createCatalogue(servicesOf(areas, state));
  const pipeline = createPipeline({
    limiter: createRunningLimiter(),
    audit: createLogAudit(logger),
    clock,
    refused: refusalCounter(metrics),
  });
  const observe = requestObserver(metrics);
  const serving = {
    pipeline,
    connections,
    identify,
    logger,
    observe,
    checkAnswers: dependencies.checkAnswers ?? false,
  };
  const frames = createFrames({ relay, devices, providers }, pipeline);
  const sessions = { frames, connections, relay, devices, providers, clock, logger };
  const budget = buildConnectionBudget(config, platform);
  const http = createHttpServer(
    {
      host: config.host,
      port: config.port,
      closeGraceMs: config.shutdownTimeoutSeconds * 1000,
      trustedProxies: config.trustedProxies,
    },
    {
      routes: [
        ...createRestTransport(catalogue.rest, serving),
        ...createOpenAiTransport(catalogue.openai, serving),
      ],
      websockets: [
        createBifrostEndpoint({
          ...sessions,
          heartbeatIntervalMs: config.heartbeatIntervalSeconds * 1000,
        }),
      ],
      respondToError: (error, asked) =>
        isOpenAiPath(asked.path) ? openAiErrorResponse(error) : errorResponse(error, asked),
      newRequestId: () => random.uuid(),
      budget,
      clock,
      logger,
    },
  );
  const mqtt = createMqttServer(
    { host: config.mqttHost, port: config.mqttPort },
    { endpoint: createMqttEndpoint(sessions), budget, logger },
  );
  return { catalogue, served: pipeline.catalogue, http, mqtt, state };
}

/** What the three ways in share, within what the process may have open; counted by way. */
function buildConnectionBudget(config: Config, { clock, logger, metrics }: Platform): ConnectionBudget {
  const cut = metrics.counter({
    name: 'yggdrasil_connections_cut_total',
    help: 'Connections that were cut or refused because there were too many, of all or of one owner.',
    labels: ['protocol', 'reason'],
  });
  const databaseConnections = DATABASE_POOLS * config.databasePoolConnectionsMax;
  const budget = createConnectionBudget(
    { connectionsMax: connectionsWithin(readDescriptorLimit(), databaseConnections) },
    { clock, logger, cut: (protocol, reason) => cut.add({ protocol, reason }) },
  );
  for (const protocol of PROTOCOLS) {
    const name = `yggdrasil_${protocol}_connections`;
    metrics.measuredGauge({ name, help: 'Open connections of this protocol.' }, () => budget.count(protocol));
  }
  return budget;
}

/** As many pools of connections has the database. */
const DATABASE_POOLS = 5;

/** The MQTT listener. `listening` gets its port. */
export function mqttPart({ mqtt }: Transports, listening: (port: number) => void): Part {
  return {
    name: 'mqtt',
    start: async () => listening((await mqtt.listen()).port),
    stopAccepting: () => mqtt.stopAccepting(),
    stop: () => mqtt.close(),
  };
}

/** The listener of HTTP and WebSocket. `listening` gets its port. */
export function httpPart({ http, state }: Transports, listening: (port: number) => void): Part {
  return {
    name: 'http',
    async start() {
      listening((await http.listen()).port);
      state.accepts = true;
    },
    stopAccepting() {
      state.accepts = false;
      http.stopAccepting();
    },
    stop: () => http.close(),
  };
}

/** `state` says whether the server takes requests, for its readiness. */
function servicesOf(
  { platform, identity, market }: Areas,
  state: { readonly accepts: boolean },
): HttpServices {
  const { opened, node, metrics, clock, logger } = platform;
  const { accounts, tenants, networks, devices } = identity;
  const { ledger, payments, providers, requests, tokens, transactions } = market;
  return {
    accounts,
    tenants,
    networks,
    devices,
    ledger,
    payments,
    providers,
    requests,
    tokens,
    transactions,
    checks: {
      database: opened.ping,
      node: () => node.check(),
      listening: async () => {
        if (!state.accepts) throw new Error('not listening');
      },
    },
    renderMetrics: metrics.render,
    clock,
    logger,
  };
}

function refusalCounter(metrics: Metrics) {
  const refusals = metrics.counter({
    name: 'yggdrasil_operations_refused_total',
    help: 'Operations that were refused, or failed.',
    labels: ['operation', 'code'],
  });
  return (operation: string, code: string) => refusals.add({ operation, code });
}

function requestObserver(metrics: Metrics) {
  const requestSeconds = metrics.histogram({
    name: 'yggdrasil_http_request_duration_seconds',
    help: 'Time to the answer of an HTTP request, to its beginning when it is streamed.',
    labels: ['operation', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  });
  return (request: { operation: string; status: number; durationMs: number }) =>
    requestSeconds.observe(
      { operation: request.operation, status: String(request.status) },
      request.durationMs / 1000,
    );
}
