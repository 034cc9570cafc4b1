import type { Config } from '../config/index.ts';
import { countPromptTokens } from '../domains/pricing/index.ts';
import type { RelayService } from '../domains/relay/index.ts';
import { createHttpServer } from '../platform/http/server.ts';
import type { Metrics } from '../platform/metrics/types.ts';
import { createMqttServer } from '../platform/mqtt/server.ts';
import { createBifrostEndpoint } from '../transports/bifrost/endpoint.ts';
import { createMqttEndpoint } from '../transports/mqtt/endpoint.ts';
import { OPENAI_DESCRIPTIONS } from '../transports/openai/descriptions.ts';
import { createOpenAiTransport } from '../transports/openai/transport.ts';
import { createDocumentationRoutes } from '../transports/rest/documentation-routes.ts';
import { errorResponse } from '../transports/rest/error-response.ts';
import { createRestRoutes } from '../transports/rest/routes.ts';
import { createServerRoutes } from '../transports/rest/server-routes.ts';
import { createRestTransport } from '../transports/rest/transport.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Market } from './market.ts';
import type { AppDependencies, Platform } from './platform.ts';

/** The areas that the transports reach. */
export interface Areas {
  readonly platform: Platform;
  readonly identity: Identity;
  readonly relay: RelayService;
  readonly market: Market;
}

/** Everything that listens. */
export type Transports = ReturnType<typeof buildTransports>;

/** Builds the listeners; none listens before its part starts. */
export function buildTransports(config: Config, areas: Areas, dependencies: AppDependencies) {
  const { platform, identity, relay, market } = areas;
  const { clock, random, logger, metrics } = platform;
  const { providers, requests } = market;
  const { identify, devices } = identity;
  const observe = requestObserver(metrics);
  const state = { accepts: false };
  const restRoutes = createRoutes(areas, state);
  const http = createHttpServer(
    { host: config.host, port: config.port, closeGraceMs: config.shutdownTimeoutSeconds * 1000 },
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
        ...createOpenAiTransport({
          providers,
          requests,
          countPromptTokens,
          identify,
          logger,
          clock,
          observe,
        }),
      ],
      websockets: [
        createBifrostEndpoint({
          relay,
          devices,
          providers,
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
    { endpoint: createMqttEndpoint({ relay, devices, providers, logger }), logger },
  );
  return { restRoutes, http, mqtt, state };
}

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
function createRoutes({ platform, identity, market }: Areas, state: { readonly accepts: boolean }) {
  const { opened, metrics, clock, logger } = platform;
  const { users, networks, devices } = identity;
  const { ledger, payments, providers, transactions } = market;
  const apiRoutes = [
    ...createRestRoutes({ users, networks, devices, ledger, payments, providers, transactions }),
    ...createServerRoutes({
      checks: {
        database: opened.ping,
        listening: async () => {
          if (!state.accepts) throw new Error('not listening');
        },
      },
      renderMetrics: metrics.render,
      clock,
      logger,
    }),
  ];
  return [
    ...apiRoutes,
    ...createDocumentationRoutes([...apiRoutes, ...OPENAI_DESCRIPTIONS], {
      title: 'Yggdrasil',
      version: '1',
      description: 'Devices, networks, money and computing time. `/v1` speaks the OpenAI convention.',
    }),
  ];
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
