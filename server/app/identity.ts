import { createAccountService, createAccountStore } from '../domains/accounts/index.ts';
import { createDeviceRows, createDeviceService, createDeviceStore } from '../domains/devices/index.ts';
import { createNetworkService, createNetworkStore } from '../domains/networks/index.ts';
import { relayError } from '../domains/relay/index.ts';
import {
  type BroughtDevice,
  createTenantRows,
  createTenantService,
  createTenantStore,
} from '../domains/tenants/index.ts';
import type { Actor } from '../kernel/actor.ts';
import { AppError, notFound } from '../kernel/errors.ts';
import type { DeviceId, TenantId } from '../kernel/ids.ts';
import { StartError } from '../kernel/start-error.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';

/** Who there is, and what they may: accounts, tenants, networks, devices. */
export type Identity = ReturnType<typeof buildIdentity>;

/** Builds the area. */
export function buildIdentity(platform: Platform, { relay, connections }: Messaging) {
  const { database, clock, random, secretBox, hash } = platform;
  const tenantRows = createTenantRows();
  const deviceRows = createDeviceRows();
  const left = async (devices: readonly BroughtDevice[]) => {
    for (const { deviceId, networkId } of devices) await relay.left({ deviceId, networkId });
  };
  const endDevice = (deviceId: DeviceId) => {
    connections.end({ deviceId }, relayError('unauthenticated'));
  };
  const accounts = createAccountService({
    store: createAccountStore(database, tenantRows),
    live: {
      endCredential: (accountId, credentialId) => {
        connections.end({ accountId, credentialId }, relayError('unauthenticated'));
      },
    },
    clock,
    random,
    hash,
  });
  const tenants = createTenantService({
    store: createTenantStore(database, deviceRows),
    accounts,
    broughtDevices: { left },
    live: {
      endAccount: (membership) => {
        connections.end(membership, membershipChanged());
      },
    },
    clock,
  });
  const networks = createNetworkService({
    store: createNetworkStore(database, deviceRows),
    devices: { left: (deviceId, networkId) => relay.left({ deviceId, networkId }) },
    clock,
    random,
  });
  const devices = createDeviceService({
    store: createDeviceStore(database, tenantRows),
    networks,
    tenants,
    presence: {
      isOnline: (deviceId) => connections.isOnline(deviceId),
      joined: ({ tenantId, deviceId }, networkId) => relay.joined(tenantId, { networkId, deviceId }),
      left: (deviceId, networkId) => relay.left({ deviceId, networkId }),
      endDevice,
      forget: (deviceId) => {
        endDevice(deviceId);
        return relay.forget(deviceId);
      },
    },
    secretBox,
    clock,
    random,
    hash,
  });
  /**
   * Whose token this is, a user's or a device's, acting in this tenant or (null) in its own; null for a token that nobody
   * has. Refuses with `tenant_not_found` a tenant in which it may not act.
   */
  const identify = async (token: string, tenantId: TenantId | null): Promise<Actor | null> => {
    const account = await accounts.identify(token, tenantId);
    if (account !== null) return account;
    const device = (await devices.authenticate(token))?.actor ?? null;
    if (device !== null && tenantId !== null && device.tenantId !== tenantId) throw notFound('tenant');
    return device;
  };
  return { accounts, tenants, networks, devices, identify };
}

function membershipChanged(): AppError {
  return new AppError('forbidden', 'forbidden', 'Your role in this tenant has changed.');
}

/** Refuses to start with secrets that the devices in the database were not made with. */
export function secretsPart({ devices }: Identity, dataDirectory: string): Part {
  return {
    name: 'secrets',
    async start() {
      if (await devices.secretsFit()) return;
      throw new StartError(
        `The database belongs to other secrets than those in ${dataDirectory}: it has devices whose keys they don't ` +
          'open. Put the secrets.json back that was made with it.',
      );
    },
  };
}
