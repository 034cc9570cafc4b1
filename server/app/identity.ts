import { createDeviceService, createDeviceStore } from '../domains/devices/index.ts';
import { createNetworkService, createNetworkStore } from '../domains/networks/index.ts';
import { relayError } from '../domains/relay/index.ts';
import { createUserService, createUserStore } from '../domains/users/index.ts';
import type { Actor } from '../kernel/actor.ts';
import { StartError } from '../kernel/start-error.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';

/** Who there is, and what they may: users, networks, devices. */
export type Identity = ReturnType<typeof buildIdentity>;

/** Builds the area. */
export function buildIdentity(platform: Platform, { relay, connections }: Messaging) {
  const { database, clock, random, secretBox, hash } = platform;
  const users = createUserService({ store: createUserStore(database), clock, random, hash });
  const networks = createNetworkService({ store: createNetworkStore(database), clock, random });
  const devices = createDeviceService({
    store: createDeviceStore(database),
    networks,
    presence: {
      isOnline: (deviceId) => connections.isOnline(deviceId),
      joined: ({ tenantId, deviceId }, networkId) => relay.joined(tenantId, { networkId, deviceId }),
      forget: (deviceId) => {
        connections.end({ deviceId }, relayError('unauthenticated'));
        return relay.forget(deviceId);
      },
    },
    secretBox,
    clock,
    random,
    hash,
  });
  /** Whose token this is, a user's or a device's; null for a token that nobody has. */
  const identify = async (token: string): Promise<Actor | null> =>
    (await users.identify(token)) ?? (await devices.authenticate(token))?.actor ?? null;
  return { users, networks, devices, identify };
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
