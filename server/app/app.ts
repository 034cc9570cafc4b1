import type { Config } from '../config/index.ts';
import type { Operation } from '../kernel/operation.ts';
import { abusePart, buildAbuse } from './abuse.ts';
import { actionsPart, buildActions } from './actions.ts';
import { buildAdministration, logsPart, suspensionsPart } from './administration.ts';
import { announcementPart } from './announcement.ts';
import { auditPart } from './audit.ts';
import { buildDiscovery, discoveryPart } from './discovery.ts';
import { foreignBrokerPart } from './foreign-broker.ts';
import { buildIdentity, identityPart } from './identity.ts';
import { createLifecycle } from './lifecycle.ts';
import { buildLocks, locksPart } from './locks.ts';
import { buildMarket, moneyPart, requestsPart } from './market.ts';
import { buildMessaging, relayPart, topicsPart } from './messaging.ts';
import { modelChecksPart } from './model-checks.ts';
import type { Catalogue } from './operations.ts';
import { buildPairings, pairingsPart } from './pairings.ts';
import {
  type AppDependencies,
  buildPlatform,
  databasePart,
  diskPart,
  nodePart,
  type Platform,
} from './platform.ts';
import { buildReadings, readingsPart } from './readings.ts';
import { buildReleases, releasesPart } from './releases.ts';
import { secretsPart } from './secrets.ts';
import { tlsPart } from './tls.ts';
import { buildTransports, httpPart, mqttPart } from './transports.ts';

/** A server that was built and not yet started. */
export interface App {
  /**
   * Finishes what a crash interrupted, then listens; `ratatoskr` is null where it has no port of its own. Rejects with StartError
   * what only the operator can mend.
   */
  start(): Promise<{ http: string; mqtt: string; ratatoskr: string | null }>;
  /** A new one-time code for the first operator; null when there are users. */
  offerSetupCode(): Promise<string | null>;
  /**
   * Ends everything in order; see "Stopping" in ARCHITECTURE.md. A part that fails doesn't keep the others from their
   * end; rejects with the first failure. How long a part that hangs is waited for is the caller's.
   */
  stop(): Promise<void>;
  /** Every operation there is, by transport, for tests that enumerate them. */
  readonly catalogue: Catalogue;
  /** Every operation that goes through the pipeline. */
  readonly served: readonly Operation[];
}

/**
 * The composition root: opens the database, builds every area once, top-down, and joins them. Nothing listens before
 * `start`.
 */
export async function createApp(config: Config, dependencies: AppDependencies): Promise<App> {
  const platform = await buildPlatform(config, dependencies, () => {
    // A failure to save what only the one that took over may write is no news.
    if (dependencies.leaseLost === undefined) app.stop().catch(() => {});
    else dependencies.leaseLost();
  });
  const areas = buildAreas(config, platform);
  const transports = buildTransports(config, areas, dependencies);

  const ports = { http: 0, mqtt: 0, ratatoskr: null as number | null };
  const lifecycle = createLifecycle(
    [
      logsPart(platform),
      tlsPart(platform),
      diskPart(platform),
      databasePart(platform),
      secretsPart(areas.identity, platform),
      nodePart(platform.node),
      auditPart(platform),
      suspensionsPart(areas.administration),
      abusePart(areas.abuse, platform),
      identityPart(areas.identity, platform),
      moneyPart(areas.market, platform, areas.abuse),
      relayPart(areas.messaging, platform),
      topicsPart(areas.messaging),
      pairingsPart(areas.pairings, platform),
      discoveryPart(areas.discovery),
      readingsPart(areas.readings, platform),
      locksPart(areas.locks, platform),
      actionsPart(areas.actions, platform),
      releasesPart(areas.releases, platform),
      mqttPart(transports, (port) => {
        ports.mqtt = port;
      }),
      foreignBrokerPart(areas.messaging.foreignBroker, transports.state.bridge),
      httpPart(transports, (port, sessionPort) => {
        ports.http = port;
        ports.ratatoskr = sessionPort;
      }),
      requestsPart(areas.market, platform),
      modelChecksPart(config, platform, areas),
      announcementPart(config, platform, ports),
    ],
    { stopTimeoutMs: config.shutdownTimeoutSeconds * 1000 },
    platform,
  );
  let stopped: Promise<void> | null = null;
  const app: App = {
    catalogue: transports.catalogue,
    served: transports.served,
    offerSetupCode: areas.identity.accounts.offerSetupCode,
    async start() {
      await lifecycle.start();
      return {
        http: address(config.host, ports.http),
        mqtt: address(config.mqttHost, ports.mqtt),
        ratatoskr: ports.ratatoskr === null ? null : address(config.host, ports.ratatoskr),
      };
    },
    stop() {
      stopped ??= lifecycle.stop().then(() => platform.logger.info({ operation: 'server.stop' }, 'stopped'));
      return stopped;
    },
  };
  return app;
}

/** As in a URL: an IPv6 address in brackets (RFC 3986 section 3.2.2). */
function address(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Every area, each over those before it. */
function buildAreas(config: Config, platform: Platform) {
  const messaging = buildMessaging(config, platform);
  const abuse = buildAbuse(config, platform, messaging);
  const identity = buildIdentity(config, platform, messaging, abuse);
  const market = buildMarket(config, platform, identity);
  const administration = buildAdministration(config, platform, messaging);
  const readings = buildReadings(config, platform, messaging, identity);
  const discovery = buildDiscovery(platform, messaging, identity, readings);
  const pairings = buildPairings(platform, messaging, identity, readings);
  const locks = buildLocks(platform, messaging, identity);
  const actions = buildActions(platform, messaging, identity);
  const releases = buildReleases(config, platform, { messaging, identity, pairings });
  const people = { abuse, identity, market, administration };
  const things = { readings, discovery, pairings, locks, actions, releases };
  return { platform, messaging, ...people, ...things };
}
