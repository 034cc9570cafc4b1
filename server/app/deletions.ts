import type { Config } from '../config/index.ts';
import {
  createDeletionJob,
  createDeletionStore,
  type Estate,
  type LiveConnections,
  type TenantMoney,
} from '../domains/accounts/index.ts';
import type { DeviceService } from '../domains/devices/index.ts';
import { readTenantMoney } from '../domains/ledger/index.ts';
import type { NetworkService } from '../domains/networks/index.ts';
import { createLeavingRows, type TenantService } from '../domains/tenants/index.ts';
import type { AccountActor } from '../kernel/actor.ts';
import { DAY_MS } from '../kernel/clock.ts';
import type { Platform } from './platform.ts';

/** Networks and devices of one account that are removed in a round of the job: it holds up nobody. */
const REMOVED_PER_ROUND_MAX = 200;

/** What deleting an account needs of the platform. */
export function deletionParts(config: Config, { database }: Platform) {
  const money: TenantMoney = { read: (tenantId) => readTenantMoney(database, tenantId) };
  return {
    deletions: createDeletionStore(database, createLeavingRows()),
    money,
    deletionDelayMs: config.accountDeletionDays * DAY_MS,
  };
}

/** The job that deletes accounts whose time is over, with what is theirs alone. */
export function buildDeletionJob(
  config: Config,
  platform: Platform,
  services: {
    readonly tenants: TenantService;
    readonly networks: NetworkService;
    readonly devices: DeviceService;
    readonly live: LiveConnections;
  },
): () => Promise<void> {
  const { mailer: mail, clock, random, logger, suspended } = platform;
  const { tenants, live } = services;
  const estate: Estate = {
    isSuspended: (tenantId) => suspended.has(tenantId),
    clear: (actor) => clearTenant(actor, services),
    leave: (actor) => tenants.removeMember(actor, actor.accountId),
  };
  const { deletions, money } = deletionParts(config, platform);
  return createDeletionJob({ deletions, estate, money, live, mail, clock, random, logger });
}

/** Removes networks first: then every device that is left is the tenant's own. */
async function clearTenant(
  actor: AccountActor,
  { networks, devices }: { readonly networks: NetworkService; readonly devices: DeviceService },
): Promise<boolean> {
  const limit = REMOVED_PER_ROUND_MAX;
  const ownNetworks = await networks.listNetworks(actor, null, limit);
  for (const { id } of ownNetworks.items) await networks.removeNetwork(actor, id);
  const everything = { networkId: null, worldType: null, assignedId: null, status: null, after: null };
  const ownDevices = await devices.listDevices(actor, { ...everything, limit });
  for (const { id } of ownDevices.items) await devices.removeDevice(actor, id);
  return ownNetworks.next === null && ownDevices.next === null;
}
