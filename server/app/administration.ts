import { type Config, showConfig } from '../config/index.ts';
import { countAccounts } from '../domains/accounts/index.ts';
import {
  createAdministrationService,
  createSuspensionService,
  createSuspensionStore,
  type LiveFigures,
  type LiveTenants,
  tenantSuspended,
} from '../domains/administration/index.ts';
import { countDevices, findGuests } from '../domains/devices/index.ts';
import { readTotals } from '../domains/ledger/index.ts';
import { countTenants, listHostedTenants } from '../domains/tenants/index.ts';
import type { TenantId } from '../kernel/ids.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';

/** What who runs the platform sees of it. */
export type Administration = ReturnType<typeof buildAdministration>;

/** Builds the area, of what the others count. */
export function buildAdministration(config: Config, platform: Platform, messaging: Messaging) {
  const { database, logMemory, suspended, clock, node } = platform;
  const suspensions = createSuspensionService({
    store: createSuspensionStore(database),
    suspended,
    live: liveTenants(platform, messaging),
    clock,
  });
  const administration = createAdministrationService({
    kept: {
      countUsers: () => countAccounts(database),
      countTenants: () => countTenants(database),
      listTenants: (after, limit) => listHostedTenants(database, after, limit),
      countDevices: () => countDevices(database),
      readTotals: () => readTotals(database),
    },
    live: { read: () => readLive(platform) },
    logs: logMemory,
    setup: { settings: showConfig(config), listNodes: () => node.list() },
  });
  return { administration, suspensions };
}

/** Who is suspended is known before anybody is let in. */
export function suspensionsPart({ suspensions }: Administration): Part {
  return { name: 'suspensions', start: () => suspensions.load() };
}

function liveTenants({ database }: Platform, { connections, relay }: Messaging): LiveTenants {
  const refreshGuests = async (tenantId: TenantId) => {
    for (const deviceId of await findGuests(database, tenantId)) await relay.refreshNetworks(deviceId);
  };
  return {
    async endTenant(tenantId) {
      connections.end({ tenantId }, tenantSuspended());
      await refreshGuests(tenantId);
    },
    resumeTenant: refreshGuests,
  };
}

/** The part of the log that is read: its readers leave before the server stops, because they would stay for ever. */
export function logsPart({ logMemory }: Platform): Part {
  return { name: 'logs', stopAccepting: () => logMemory.close() };
}

async function readLive(platform: Platform): ReturnType<LiveFigures['read']> {
  const { metrics, opened, disk } = platform;
  const [sums, answerMs] = await Promise.all([metrics.read(), measureAnswer(platform)]);
  const of = (name: string) => sums.get(`yggdrasil_${name}`) ?? 0;
  const frames = await metrics.readBy('yggdrasil_relay_frames_total', 'delivery');
  return {
    connectedDevices: of('relay_sessions'),
    connections: {
      http: of('http_connections'),
      webSocket: of('websocket_connections'),
      mqtt: of('mqtt_connections'),
    },
    messages: { transient: frames.get('transient') ?? 0, stored: frames.get('stored') ?? 0 },
    requests: {
      served: of('http_request_duration_seconds'),
      refused: of('operations_refused_total'),
    },
    database: { kind: opened.kind, answerMs, freeDiskBytes: disk.freeBytes },
    process: {
      startedAtMs: of('process_start_time_seconds') * 1000,
      residentBytes: of('process_resident_memory_bytes'),
      heapBytes: of('nodejs_heap_size_used_bytes'),
      cpuSeconds: of('process_cpu_seconds_total'),
      loopLagMs: of('nodejs_eventloop_lag_p99_seconds') * 1000,
    },
  };
}

async function measureAnswer({ opened, clock }: Platform): Promise<number | null> {
  const beganMs = clock.monotonicMs();
  return opened.ping().then(
    () => clock.monotonicMs() - beganMs,
    () => null,
  );
}
