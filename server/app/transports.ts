import { fileURLToPath } from 'node:url';
import { type Config, endsTls } from '../config/index.ts';
import { identifyDevice } from '../domains/devices/index.ts';
import { isLoopback } from '../kernel/network-address.ts';
import { createClientLimiter } from '../platform/client-limiter/index.ts';
import { createHttpServer } from '../platform/http/server.ts';
import { readStaticFiles } from '../platform/http/static-files.ts';
import type { RespondToError } from '../platform/http/types.ts';
import {
  type ConnectionBudget,
  createConnectionBudget,
  PROTOCOLS,
} from '../platform/listening/connection-budget.ts';
import { connectionsWithin, readDescriptorLimit } from '../platform/listening/descriptors.ts';
import type { Metrics } from '../platform/metrics/types.ts';
import { createMqttServer } from '../platform/mqtt/server.ts';
import { anthropicErrorResponse } from '../transports/anthropic/errors.ts';
import { createAnthropicTransport, isAnthropicPath } from '../transports/anthropic/transport.ts';
import { createBifrostEndpoint } from '../transports/bifrost/endpoint.ts';
import { LastingAnswers } from '../transports/chat/lasting-answers.ts';
import { RetriedRequests } from '../transports/chat/retried-requests.ts';
import { type BrokerGate, createBrokerGate } from '../transports/frames/broker-gate.ts';
import { createFrames } from '../transports/frames/frames.ts';
import { type BrokerBridge, createBrokerBridge } from '../transports/mqtt/broker-bridge.ts';
import { createMqttEndpoint } from '../transports/mqtt/endpoint.ts';
import { createWillTeller } from '../transports/mqtt/wills.ts';
import { openAiErrorResponse } from '../transports/openai/errors.ts';
import { createOpenAiTransport, isOpenAiPath } from '../transports/openai/transport.ts';
import { bothAudits, createLogAudit } from '../transports/pipeline/audit.ts';
import { createCookieSessions } from '../transports/pipeline/cookie-sessions.ts';
import type { HttpDependencies, OperationRoute } from '../transports/pipeline/http.ts';
import { createRunningLimiter } from '../transports/pipeline/limiter.ts';
import { createPipeline } from '../transports/pipeline/pipeline.ts';
import { createRates, OPERATION_RATES, type RateWindows } from '../transports/pipeline/rates.ts';
import { RATATOSKR_PATH } from '../transports/ratatoskr/endpoint.ts';
import { errorResponse } from '../transports/rest/error-response.ts';
import { createRestTransport } from '../transports/rest/transport.ts';
import type { Abuse } from './abuse.ts';
import type { Actions } from './actions.ts';
import type { Administration } from './administration.ts';
import type { Discovery } from './discovery.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import { buildLiveEndpoint } from './live-endpoint.ts';
import type { Locks } from './locks.ts';
import type { Market } from './market.ts';
import type { Messaging } from './messaging.ts';
import { type Catalogue, createCatalogue, type HttpServices } from './operations.ts';
import type { Pairings } from './pairings.ts';
import type { AppDependencies, Platform } from './platform.ts';
import { buildSessionEndpoints, describeSessions } from './ratatoskr.ts';
import { deviceOfClient, NO_CREDENTIAL, type Readings } from './readings.ts';
import type { Releases } from './releases.ts';
import { recordSignIns } from './sign-ins.ts';

/** The areas that the transports reach. */
export interface Areas {
  readonly platform: Platform;
  readonly identity: Identity;
  readonly messaging: Messaging;
  readonly abuse: Abuse;
  readonly market: Market;
  readonly administration: Administration;
  readonly readings: Readings;
  readonly discovery: Discovery;
  readonly pairings: Pairings;
  readonly locks: Locks;
  readonly actions: Actions;
  readonly releases: Releases;
}

/**
 * The page loads from this server alone, runs no text as code, and stands in no frame. No style is written into it either: what
 * its plots need they set by script.
 */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html",
  'referrer-policy': 'no-referrer',
};

/** Everything that listens. */
export type Transports = ReturnType<typeof buildTransports>;

/** Where MQTT is spoken, and whose certificates clients show. */
const mqttOptionsOf = (config: Config, { mqttClientAuthority: clientAuthority }: Areas['platform']) => ({
  host: config.mqttHost,
  port: config.mqttPort,
  clientAuthority,
});

/** Builds the listeners; none listens before its part starts. Every operation joins the one pipeline here. */
export function buildTransports(config: Config, areas: Areas, dependencies: AppDependencies) {
  const { platform, messaging, identity } = areas;
  const { clock, random, logger, tls } = platform;
  const { devices } = identity;
  const { relay, connections, topics } = messaging;
  const state = {
    accepts: false,
    mqttPort: config.mqttPort,
    sessionPort: config.ratatoskrPort,
    bridge: null as BrokerBridge | null,
  };
  const newId = () => random.uuid();
  const pageOrigin = pageOriginOf(config);
  const cookies = createCookieSessions({ publicOrigin: config.publicUrl, pageOrigin }, platform);
  const page = readStaticFiles(fileURLToPath(dependencies.page), PAGE_HEADERS);
  const describeServer = () => descriptionOf(config, platform, state);
  const services = { ...servicesOf(config, areas, state), page, describeServer, cookies, pageOrigin };
  const catalogue = createCatalogue(services);
  const pipeline = buildPipeline(config, areas);
  const behind = {
    relay,
    devices,
    ...areas.readings,
    ...areas.pairings,
    ...areas.actions,
    ...areas.releases,
  };
  hearWills(messaging, createWillTeller({ ...behind, logger }));
  const frames = createFrames(behind, pipeline);
  const sessions = { ...behind, frames, connections, clock, logger };
  const budget = buildConnectionBudget(config, platform);
  const endpoint = createMqttEndpoint({ ...sessions, ...areas.discovery, topics });
  const { foreignBroker: broker } = messaging;
  const isWell = () => platform.opened.ping().then(() => true);
  if (broker !== null) state.bridge = createBrokerBridge({ ...sessions, ...areas.discovery, broker, isWell });
  const behindMqtt = { endpoint, budget, tls, logger, newClientId: newId };
  const mqtt = createMqttServer(mqttOptionsOf(config, platform), behindMqtt);
  const checkAnswers = dependencies.checkAnswers ?? false;
  const routes = createRoutes(catalogue, servingOf(areas, { pipeline, cookies, checkAnswers }));
  const http = createHttpServer(
    {
      host: config.host,
      port: config.port,
      closeGraceMs: config.shutdownTimeoutSeconds * 1000,
      trustedProxies: config.trustedProxies,
      corsOrigins: config.corsOrigins,
    },
    {
      routes,
      websockets: [
        ...buildSessionEndpoints(config, areas, { routes, pipeline, respondToError }),
        createBifrostEndpoint({
          ...sessions,
          heartbeatIntervalMs: config.heartbeatIntervalSeconds * 1000,
        }),
        mqtt.webSocket,
        buildLiveEndpoint(areas, { routes, cookies, respondToError }),
      ],
      respondToError,
      newRequestId: newId,
      budget,
      tls,
      clock,
      logger,
    },
  );
  return { catalogue, served: pipeline.catalogue, http, mqtt, state };
}

/** What every route of HTTP is served with. */
function servingOf(
  { platform, messaging, identity }: Areas,
  own: Pick<Parameters<typeof createRoutes>[1], 'pipeline' | 'cookies' | 'checkAnswers'>,
) {
  const { disk: room, logger, metrics } = platform;
  const { connections } = messaging;
  return {
    ...own,
    connections,
    identify: identity.identify,
    room,
    logger,
    observe: requestObserver(metrics),
  };
}

/** The one way to every operation. */
function buildPipeline(config: Config, { platform, abuse }: Areas) {
  const { clock, logger, metrics } = platform;
  return createPipeline({
    limiter: createRunningLimiter(),
    rates: createRates(rateWindows(config, platform)),
    audit: bothAudits(createLogAudit(logger), platform.audit.recorder),
    abuse,
    clock,
    refused: refusalCounter(metrics),
  });
}

/** Who answers a broker of somebody else's. */
function buildBrokerGate(
  config: Config,
  { platform, messaging, identity, pairings }: Areas,
  state: { readonly bridge: BrokerBridge | null },
): BrokerGate {
  return createBrokerGate({
    secret: config.mqttBrokerSecret ?? null,
    devices: identity.devices,
    memberships: messaging.memberships,
    topicRights: pairings.topicRights,
    suspended: platform.suspended,
    signedIn: (deviceId) => state.bridge?.signedIn(deviceId),
    async findActor(deviceId) {
      const device = await identifyDevice(platform.database, deviceId);
      if (device === null) return null;
      // The device isn't asking: its broker is.
      return { kind: 'device', deviceId, tenantId: device.tenantId, credentialId: NO_CREDENTIAL };
    },
  });
}

/** Wills of plain clients go to Bifrost clients, too. */
function hearWills({ onWill }: Areas['messaging'], tell: ReturnType<typeof createWillTeller>): void {
  onWill((owner, will) => {
    const deviceId = deviceOfClient(will.clientId ?? '');
    if (deviceId !== null) void tell({ ...owner, deviceId }, will);
  });
}

/** Every operation that HTTP reaches, with its steps made. */
function createRoutes({ rest, openai, anthropic }: Catalogue, serving: HttpDependencies): OperationRoute[] {
  return [
    ...createRestTransport(rest, serving),
    ...createOpenAiTransport(openai, serving),
    ...createAnthropicTransport(anthropic, serving),
  ];
}

/** The answer to what no operation answers, in the form of the API that the path belongs to. */
const respondToError: RespondToError = (error, asked) => {
  if (isAnthropicPath(asked.path)) return anthropicErrorResponse(error);
  return isOpenAiPath(asked.path) ? openAiErrorResponse(error) : errorResponse(error, asked);
};

/** Clients that each limit by time knows: beyond them the one that was silent for longest is forgotten. */
const COUNTED_CLIENTS_MAX = 50_000;

const MINUTE_MS = 60_000;

/** The limits by time, as configured. */
function rateWindows(config: Config, { clock }: Platform): RateWindows {
  const perMinute = (countMax: number) =>
    config.rateLimits === 'off'
      ? null
      : createClientLimiter({ countMax, intervalMs: MINUTE_MS, clientsMax: COUNTED_CLIENTS_MAX }, { clock });
  const operations = Object.entries(OPERATION_RATES).map(([name, countMax]) => [
    name,
    perMinute(countMax) ?? undefined,
  ]);
  return {
    token: perMinute(config.tokenRequestsPerMinute),
    tenant: perMinute(config.tenantRequestsPerMinute),
    address: perMinute(config.addressRequestsPerMinute),
    guesses: perMinute(config.addressRequestsPerMinute),
    messages: perMinute(config.tenantMessagesPerMinute),
    operations: Object.fromEntries(operations),
  };
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
export function mqttPart({ mqtt, state }: Transports, listening: (port: number) => void): Part {
  return {
    name: 'mqtt',
    async start() {
      state.mqttPort = (await mqtt.listen()).port;
      listening(state.mqttPort);
    },
    stopAccepting: () => mqtt.stopAccepting(),
    stop: () => mqtt.close(),
  };
}

/** The listener of HTTP and WebSocket. `listening` gets its port, and the one that sessions of Ratatoskr have alone or null. */
export function httpPart(
  { http, state }: Transports,
  listening: (port: number, sessionPort: number | null) => void,
): Part {
  return {
    name: 'http',
    async start() {
      const { port, ownPorts } = await http.listen();
      state.sessionPort = ownPorts.get(RATATOSKR_PATH) ?? null;
      listening(port, state.sessionPort);
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
  config: Config,
  areas: Areas,
  state: { readonly accepts: boolean; readonly bridge: BrokerBridge | null },
): Omit<HttpServices, 'cookies' | 'pageOrigin' | 'page' | 'describeServer'> {
  const { platform, abuse, identity, market, administration, readings, discovery, pairings, locks } = areas;
  const { opened, node, metrics, clock, logger } = platform;
  const { accounts, tenants, networks, devices } = identity;
  const {
    allowances,
    analytics,
    disputes,
    ratings,
    ledger,
    payments,
    providers,
    registrations,
    requests,
    spending,
    tokens,
    transactions,
  } = market;
  return {
    brokerGate: buildBrokerGate(config, areas, state),
    accounts: recordSignIns(accounts, { recorder: platform.audit.recorder, clock }),
    tenants,
    networks,
    devices,
    ledger,
    allowances,
    payments,
    providers,
    registrations,
    disputes,
    ratings,
    requests,
    requestSettings: market.requestSettings,
    spending,
    tokens,
    tokenizers: market.tokenizers,
    retried: new RetriedRequests({ clock }),
    lasting: new LastingAnswers({ clock, random: platform.random, logger }),
    answers: market.answers,
    transactions,
    analytics,
    ...administration,
    abuse,
    ...readings,
    ...discovery,
    ...pairings,
    ...locks,
    ...areas.actions,
    ...areas.releases,
    audit: platform.audit.service,
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

/** What the server says of itself to everybody. */
function descriptionOf(
  config: Config,
  platform: Platform,
  { mqttPort, sessionPort }: { readonly mqttPort: number; readonly sessionPort: number | null },
): ReturnType<HttpServices['describeServer']> {
  const { mailer, tls } = platform;
  return {
    ratatoskr: describeSessions(config, platform, sessionPort),
    signUp: config.signUp,
    passwords: config.passwords,
    sendsMail: mailer !== null,
    mqtt: { port: mqttPort, tls: tls !== null, reachable: !isLoopback(config.mqttHost) },
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

/** Where people reach the pages of the server: as the operator says, else as they asked for it. */
function pageOriginOf(config: Config): (host: string | undefined) => string {
  const scheme = endsTls(config) ? 'https' : 'http';
  return (host) => config.publicUrl ?? `${scheme}://${host ?? 'localhost'}`;
}
