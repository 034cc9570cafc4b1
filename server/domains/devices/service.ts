import type { Actor, DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, InvariantError, invalidInput, notFound } from '../../kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { NetworkService } from '../networks/index.ts';
import {
  DEVICE_TOKEN_BYTES,
  DEVICE_TOKEN_PREFIX,
  DEVICES_PER_TENANT_MAX,
  SIGNING_KEY_BYTES,
} from './limits.ts';
import type { DeviceStore, Presence, StoredDevice, TokenHash } from './ports.ts';
import { checkCapabilities } from './rules.ts';
import type {
  Device,
  DeviceCapabilities,
  DeviceIdentity,
  DevicePage,
  RegisteredDevice,
  WorldType,
} from './types.ts';

export interface DeviceService {
  /**
   * A new device in one of the actor's networks. Refuses with `network_not_found`, `device_name_taken` and
   * `limit_reached`.
   */
  registerDevice(
    actor: Actor,
    input: { name: string; networkId: NetworkId; worldType: WorldType },
  ): Promise<RegisteredDevice>;
  /** One device of the actor's tenant. Refuses with `device_not_found` all others. */
  getDevice(actor: Actor, deviceId: DeviceId): Promise<Device>;
  /** The devices of the actor's tenant, of one network or all. Refuses with `network_not_found`. */
  listDevices(
    actor: Actor,
    filter: { networkId: NetworkId | null; after: DeviceId | null; limit: number },
  ): Promise<DevicePage>;
  /** Forgets the device and ends its sessions. Refuses with `device_not_found`. */
  removeDevice(actor: Actor, deviceId: DeviceId): Promise<void>;
  /** Who connects with this token, or null. */
  authenticate(token: string): Promise<DeviceIdentity | null>;
  /** Refuses with `invalid_input` lists and words that are too long. */
  checkCapabilities(capabilities: DeviceCapabilities): void;
  /** Keeps what the device says it can do. Refuses as `checkCapabilities` does. */
  updateCapabilities(actor: DeviceActor, capabilities: DeviceCapabilities): Promise<void>;
  /** Notes that the device connected or went away. */
  recordSeen(actor: DeviceActor): Promise<void>;
  /** False: there are devices whose keys were sealed under another master key than ours. */
  secretsFit(): Promise<boolean>;
  /** True while the device is registered. */
  exists(actor: DeviceActor): Promise<boolean>;
  /** True when the other device is in this network of the actor's tenant. */
  isMember(actor: DeviceActor, networkId: NetworkId, deviceId: DeviceId): Promise<boolean>;
}

const signingKeyContext = (tenantId: string, deviceId: string) =>
  `devices|signing_key|${tenantId}|${deviceId}`;

function requireCapabilities(capabilities: DeviceCapabilities): void {
  const problem = checkCapabilities(capabilities);
  if (problem !== null) throw invalidInput(problem);
}

/** Builds the service. */
export function createDeviceService(dependencies: {
  store: DeviceStore;
  networks: NetworkService;
  presence: Presence;
  secretBox: SecretBox;
  clock: Clock;
  random: Random;
  hash: TokenHash;
}): DeviceService {
  const { store, networks, presence, secretBox, clock, random, hash } = dependencies;
  const withPresence = (device: StoredDevice): Device => ({
    ...device,
    online: presence.isOnline(device.id),
  });

  return {
    async registerDevice(actor, input) {
      const { tenantId } = requirePermission(actor, 'devices.manage');
      await networks.getNetwork(actor, input.networkId);
      const token = DEVICE_TOKEN_PREFIX + Buffer.from(random.bytes(DEVICE_TOKEN_BYTES)).toString('base64url');
      const signingKey = random.bytes(SIGNING_KEY_BYTES);
      const device: StoredDevice = {
        id: asId<DeviceId>(random.uuid()),
        tenantId,
        name: input.name,
        worldType: input.worldType,
        networkIds: [input.networkId],
        capabilities: null,
        lastSeenAt: null,
        createdAt: new Date(clock.nowMs()),
      };
      const secrets = {
        tokenHash: hash(token),
        signingKeySealed: secretBox.seal(signingKey, signingKeyContext(tenantId, device.id)),
      };
      const outcome = await store.addDevice(device, input.networkId, secrets, DEVICES_PER_TENANT_MAX);
      if (outcome === 'name_taken') {
        throw new AppError('conflict', 'device_name_taken', 'You have a device of this name.');
      }
      if (outcome === 'limit_reached') {
        throw new AppError('conflict', 'limit_reached', 'You have as many devices as you may have.', {
          details: { devicesMax: DEVICES_PER_TENANT_MAX },
        });
      }
      await presence.joined({ tenantId, deviceId: device.id }, input.networkId);
      return { device: withPresence(device), token, signingKey };
    },

    async getDevice(actor, deviceId) {
      const device = await store.findDevice(requirePermission(actor, 'devices.read').tenantId, deviceId);
      if (device === null) throw notFound('device');
      return withPresence(device);
    },

    async listDevices(actor, { networkId, after, limit }) {
      const { tenantId } = requirePermission(actor, 'devices.read');
      if (networkId !== null) await networks.getNetwork(actor, networkId);
      const devices = await store.listDevices(tenantId, networkId, after, limit + 1);
      const items = devices.slice(0, limit).map(withPresence);
      return { items, next: devices.length > limit ? (items.at(-1)?.id ?? null) : null };
    },

    async removeDevice(actor, deviceId) {
      const removed = await store.removeDevice(requirePermission(actor, 'devices.manage').tenantId, deviceId);
      if (!removed) throw notFound('device');
      await presence.forget(deviceId);
    },

    async authenticate(token) {
      if (!token.startsWith(DEVICE_TOKEN_PREFIX)) return null;
      const found = await store.findByToken(hash(token));
      if (found === null) return null;
      const { actor, memberships, signingKeySealed } = found;
      const context = signingKeyContext(actor.tenantId, actor.deviceId);
      return { actor, memberships, signingKey: secretBox.open(signingKeySealed, context) };
    },

    checkCapabilities: requireCapabilities,

    async updateCapabilities(actor, capabilities) {
      requireCapabilities(capabilities);
      await store.saveCapabilities(actor.tenantId, actor.deviceId, capabilities);
    },

    recordSeen: (actor) => store.saveLastSeen(actor.tenantId, actor.deviceId, new Date(clock.nowMs())),

    async secretsFit() {
      const device = await store.findAnySealedKey();
      if (device === null) return true;
      try {
        secretBox.open(device.signingKeySealed, signingKeyContext(device.tenantId, device.deviceId));
        return true;
      } catch (error) {
        if (error instanceof InvariantError) return false;
        throw error;
      }
    },

    exists: async (actor) => (await store.findDevice(actor.tenantId, actor.deviceId)) !== null,

    isMember: (actor, networkId, deviceId) => store.isMember(actor.tenantId, networkId, deviceId),
  };
}
