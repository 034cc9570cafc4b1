import type { Actor, DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, InvariantError, invalidInput, notFound } from '../../kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import {
  createDeviceNetworks,
  type DeviceNetworks,
  requireDevice,
  requireOwnDevice,
} from './device-networks.ts';
import { DEVICE_TOKEN_PREFIX, DEVICES_PER_TENANT_MAX, SIGNING_KEY_BYTES } from './limits.ts';
import type { DeviceStore, Invitations, NetworkLookup, Presence, StoredDevice, TokenHash } from './ports.ts';
import { checkCapabilities } from './rules.ts';
import { createDeviceToken, type DeviceToken, makeToken } from './token.ts';
import type { Device, DeviceCapabilities, DeviceIdentity, RegisteredDevice, WorldType } from './types.ts';

/** Devices, their credentials, and the networks they belong to. */
export interface DeviceService extends DeviceNetworks, DeviceToken {
  /**
   * A new device in one of the actor's networks. Refuses with `forbidden`, `network_not_found`, `device_name_taken`
   * and `limit_reached`.
   */
  registerDevice(
    actor: Actor,
    input: { name: string; networkId: NetworkId; worldType: WorldType },
  ): Promise<RegisteredDevice>;
  /** One device that the actor may see. Refuses with `device_not_found` all others. */
  getDevice(actor: Actor, deviceId: DeviceId): Promise<Device>;
  /** The devices that the actor may see, of one network or all. Refuses with `network_not_found`. */
  listDevices(
    actor: Actor,
    filter: { networkId: NetworkId | null; after: ListPosition<DeviceId> | null; limit: number },
  ): Promise<Page<Device, ListPosition<DeviceId>>>;
  /**
   * Gives a device another name. Refuses with `forbidden`, `device_not_found`, `device_of_other_tenant` and
   * `device_name_taken`.
   */
  renameDevice(actor: Actor, deviceId: DeviceId, name: string): Promise<Device>;
  /**
   * Forgets the device and ends its sessions. Refuses with `forbidden`, `device_not_found` and
   * `device_of_other_tenant`.
   */
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
}

/** What the service needs. */
interface DeviceDependencies {
  readonly store: DeviceStore;
  readonly networks: NetworkLookup;
  readonly tenants: Invitations;
  readonly presence: Presence;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

const signingKeyContext = (tenantId: string, deviceId: string) =>
  `devices|signing_key|${tenantId}|${deviceId}`;

function requireCapabilities(capabilities: DeviceCapabilities): void {
  const problem = checkCapabilities(capabilities);
  if (problem !== null) throw invalidInput(problem);
}

/** Builds the service. */
export function createDeviceService(dependencies: DeviceDependencies): DeviceService {
  const { store, secretBox, clock, hash } = dependencies;
  return {
    ...createDeviceCatalogue(dependencies),
    ...createDeviceRemoval(dependencies),
    ...createDeviceNetworks(dependencies),
    ...createDeviceToken(dependencies),

    async authenticate(token) {
      if (!token.startsWith(DEVICE_TOKEN_PREFIX)) return null;
      const found = await store.findByToken(hash(token));
      if (found === null) return null;
      const { actor, signingKeySealed } = found;
      const context = signingKeyContext(actor.tenantId, actor.deviceId);
      return { actor, signingKey: secretBox.open(signingKeySealed, context) };
    },

    checkCapabilities: requireCapabilities,

    async updateCapabilities(actor, capabilities) {
      requireCapabilities(capabilities);
      await store.saveCapabilities(actor, capabilities);
    },

    recordSeen: (actor) => store.saveLastSeen(actor, clock.nowMs()),

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
  };
}

/** Registering, reading and renaming devices. */
function createDeviceCatalogue(
  dependencies: DeviceDependencies,
): Pick<DeviceService, 'registerDevice' | 'getDevice' | 'listDevices' | 'renameDevice'> {
  const { store, networks, presence, secretBox, clock, random } = dependencies;
  const withPresence = (device: StoredDevice): Device => ({
    ...device,
    online: presence.isOnline(device.id),
  });

  return {
    async registerDevice(actor, { name, networkId, worldType }) {
      const account = requirePermission(actor, 'devices.manage');
      await networks.getNetwork(account, networkId);
      const { stored, token } = makeToken(dependencies);
      const signingKey = random.bytes(SIGNING_KEY_BYTES);
      const { tenantId } = account;
      const device: StoredDevice = {
        id: asId<DeviceId>(random.uuid()),
        name,
        worldType,
        guest: false,
        networkIds: [networkId],
        capabilities: null,
        lastSeenAtMs: null,
        createdAtMs: clock.nowMs(),
      };
      const secrets = {
        ...stored,
        signingKeySealed: secretBox.seal(signingKey, signingKeyContext(tenantId, device.id)),
      };
      const outcome = await store.addDevice(account, device, secrets, DEVICES_PER_TENANT_MAX);
      if (outcome === 'name_taken') throw nameTaken();
      if (outcome === 'network_not_found') throw notFound('network');
      if (outcome === 'limit_reached') throw limitReached();
      await presence.joined({ tenantId, deviceId: device.id }, networkId);
      return { device: withPresence(device), token, signingKey };
    },

    async getDevice(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      return withPresence(await requireDevice(store, account, deviceId));
    },

    async listDevices(actor, { networkId, after, limit }) {
      const account = requirePermission(actor, 'devices.read');
      if (networkId !== null) await networks.getNetwork(account, networkId);
      const page = pageOf(await store.listDevices(account, networkId, after, limit + 1), limit, byCreation);
      return { ...page, items: page.items.map(withPresence) };
    },

    async renameDevice(actor, deviceId, name) {
      const account = requirePermission(actor, 'devices.manage');
      const device = await requireOwnDevice(store, account, deviceId);
      const outcome = await store.renameDevice(account, deviceId, name);
      if (outcome === 'name_taken') throw nameTaken();
      if (outcome === 'not_found') throw notFound('device');
      return withPresence({ ...device, name });
    },
  };
}

function createDeviceRemoval({ store, presence }: DeviceDependencies): Pick<DeviceService, 'removeDevice'> {
  return {
    async removeDevice(actor, deviceId) {
      const account = requirePermission(actor, 'devices.remove');
      await requireOwnDevice(store, account, deviceId);
      const removed = await store.removeDevice(account, deviceId).catch((error: unknown) => {
        // It may be removed all the same.
        presence.endDevice(deviceId);
        throw error;
      });
      if (!removed) throw notFound('device');
      await presence.forget(deviceId);
    },
  };
}

function limitReached(): AppError {
  return new AppError('conflict', 'limit_reached', 'You have as many devices as you may have.', {
    details: { devicesMax: DEVICES_PER_TENANT_MAX },
  });
}

function nameTaken(): AppError {
  return new AppError('conflict', 'device_name_taken', 'You have a device of this name.');
}
