import type { AccountActor, Actor, DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, InvariantError, invalidInput, notFound } from '../../kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import { createDeviceAuthentication, type DeviceAuthentication } from './authenticate.ts';
import { createDeviceFleets, type DeviceFleets } from './bootstrap.ts';
import type { BootstrapStore } from './bootstrap-types.ts';
import { createDeviceClaims, type DeviceClaims } from './claims.ts';
import {
  createDeviceNetworks,
  type DeviceNetworks,
  requireDevice,
  requireOwnDevice,
} from './device-networks.ts';
import {
  DEVICES_LOOKED_AT_MAX,
  MISSED_HEARTBEATS_MAX,
  SIGNATURE_KEY_BYTES,
  SIGNING_KEY_BYTES,
} from './limits.ts';
import type { LoginHasher, LoginStore } from './login-types.ts';
import { createDeviceLogins, type DeviceLogins, type LoginDependencies } from './logins.ts';
import type {
  ClaimStore,
  DeviceCertificates,
  DeviceFilter,
  DeviceStore,
  Invitations,
  NetworkLookup,
  Presence,
  StoredDevice,
  Suspensions,
  TokenHash,
} from './ports.ts';
import { checkCapabilities, commonCapabilitiesVersion, joinedCapabilities, statusOf } from './rules.ts';
import { signingKeyContext } from './sealed-contexts.ts';
import { canSignAlone } from './signature-keys.ts';
import { createDeviceToken, type DeviceToken, makeToken } from './token.ts';
import { TokenEnds } from './token-ends.ts';
import type {
  Device,
  DeviceCapabilities,
  DeviceStatus,
  RegisteredDevice,
  SessionKeys,
  WorldType,
} from './types.ts';

/** Devices, their credentials, and the networks they belong to. */
export interface DeviceService
  extends DeviceAuthentication,
    DeviceNetworks,
    DeviceToken,
    DeviceClaims,
    DeviceLogins,
    DeviceFleets {
  /**
   * A new device in one of the actor's networks. Refuses with `forbidden`, `network_not_found`, `device_name_taken`,
   * `device_id_taken` and `limit_reached`. The first device with an assigned id keeps it until it is changed or removed;
   * an account that doesn't see the whole tenant gives none (`forbidden`), so that no refusal tells it of a device.
   * `deviceId`: under which it is registered; without it, by chance. `sessionKey` (X25519, 32 bytes): the key that its sessions of
   * Ratatoskr are opened with; without it, the first that comes.
   */
  registerDevice(
    actor: Actor,
    input: {
      name: string;
      networkId: NetworkId;
      worldType: WorldType;
      assignedId: string | null;
      deviceId?: DeviceId;
      sessionKey: Uint8Array | null;
    },
  ): Promise<RegisteredDevice>;
  /** One device that the actor may see. Refuses with `device_not_found` all others. */
  getDevice(actor: Actor, deviceId: DeviceId): Promise<Device>;
  /**
   * The devices that the actor may see, as far as the filter lets them through. With a status, a page may have fewer than
   * `limit` devices though others follow. Refuses with `network_not_found`.
   */
  listDevices(
    actor: Actor,
    filter: DeviceFilter & {
      status: DeviceStatus | null;
      after: ListPosition<DeviceId> | null;
      limit: number;
    },
  ): Promise<Page<Device, ListPosition<DeviceId>>>;
  /**
   * Gives a device another name, and another assigned id (null: none) unless that is undefined. Refuses with `forbidden`,
   * `device_not_found`, `device_of_other_tenant`, `device_name_taken` and `device_id_taken`.
   */
  changeDevice(
    actor: Actor,
    deviceId: DeviceId,
    change: { name: string; assignedId?: string | null | undefined },
  ): Promise<Device>;
  /**
   * Forgets the device and its sessions, and ends its connections. Refuses with `forbidden`, `device_not_found` and
   * `device_of_other_tenant`.
   */
  removeDevice(actor: Actor, deviceId: DeviceId): Promise<void>;
  /** The version of the document of capabilities that both sides know. Refuses with `capabilities_version_unsupported`. */
  agreeOnCapabilities(versions: readonly number[]): number;
  /** Refuses with `invalid_input` lists and words that are too long. */
  checkCapabilities(capabilities: DeviceCapabilities): void;
  /** Keeps what the device says it can do. Refuses as `checkCapabilities` does. */
  updateCapabilities(actor: DeviceActor, capabilities: DeviceCapabilities): Promise<void>;
  /**
   * What the device can do, with what it was found to do beside what is kept, where that is of the same platform; as much as may be.
   * Keeps nothing.
   */
  withFoundCapabilities(actor: DeviceActor, found: DeviceCapabilities): Promise<DeviceCapabilities>;
  /**
   * The device opens a session with these keys. The first that come with a token stay those of the token; refuses with
   * `device_key_wrong` others, none where there is one to sign with among them; with `invalid_input` a key to sign with that is none.
   */
  bindSessionKeys(actor: DeviceActor, keys: SessionKeys): Promise<void>;
  /** Notes that the device connected or went away. */
  recordSeen(actor: DeviceActor): Promise<void>;
  /** False: there are devices whose keys were sealed under another master key than ours. */
  secretsFit(): Promise<boolean>;
}

/** What the service needs. */
interface DeviceDependencies {
  readonly store: DeviceStore;
  readonly claims: ClaimStore;
  readonly fleets: BootstrapStore;
  readonly logins: LoginStore;
  readonly hasher: LoginHasher;
  readonly loginTries: LoginDependencies['loginTries'];
  readonly certificates: DeviceCertificates;
  readonly networks: NetworkLookup;
  readonly tenants: Invitations;
  readonly suspended: Suspensions;
  readonly presence: Presence;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

function agreeOnCapabilities(versions: readonly number[]): number {
  const version = commonCapabilitiesVersion(versions);
  if (version !== null) return version;
  throw new AppError(
    'invalid',
    'capabilities_version_unsupported',
    'The server knows none of these versions of capabilities.',
  );
}

function requireCapabilities(capabilities: DeviceCapabilities): void {
  const problem = checkCapabilities(capabilities);
  if (problem !== null) throw invalidInput(problem);
}

/** What can be set. */
interface DeviceOptions {
  /** After so much silence a device shows that it is there. */
  readonly heartbeatIntervalMs: number;
  /** Devices a tenant may have. */
  readonly devicesMax: number;
}

/** Builds the service. */
export function createDeviceService(options: DeviceOptions, dependencies: DeviceDependencies): DeviceService {
  const { store, secretBox, clock } = dependencies;
  const withPresence = createLiveView(options, dependencies);
  const tokenEnds = new TokenEnds(dependencies);
  const catalogue = createDeviceCatalogue(options, dependencies, withPresence);
  const removal = createDeviceRemoval(dependencies);
  return {
    ...createDeviceReader(dependencies, withPresence),
    ...catalogue,
    ...createDeviceClaims({ ...dependencies, registerDevice: catalogue.registerDevice }),
    ...createDeviceFleets({ ...dependencies, ...removal, registerDevice: catalogue.registerDevice }),
    ...removal,
    ...createDeviceNetworks(dependencies),
    ...createDeviceToken({ ...dependencies, tokenEnds }),
    ...createDeviceAuthentication({ ...dependencies, tokenEnds }),
    ...createDeviceLogins({ ...dependencies, tokenEnds }),

    agreeOnCapabilities,
    checkCapabilities: requireCapabilities,

    async updateCapabilities(actor, capabilities) {
      requireCapabilities(capabilities);
      await store.saveCapabilities(actor, capabilities);
      dependencies.presence.changed(actor.deviceId);
    },

    async withFoundCapabilities(actor, found) {
      const known = await store.findCapabilities(actor);
      return known?.platform === found.platform ? joinedCapabilities(known, found) : found;
    },

    async bindSessionKeys(actor, keys) {
      if (keys.signatureKey !== null && !canSignAlone(keys.signatureKey)) {
        const bytes = SIGNATURE_KEY_BYTES;
        throw invalidInput(
          `A key to sign with has ${bytes} bytes, and is not one that everybody signs with.`,
        );
      }
      if (await store.bindSessionKeys(actor, keys)) return;
      const message =
        'The token was used with another key, or with one to sign with. Give the device another token.';
      throw new AppError('forbidden', 'device_key_wrong', message);
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

/** A device with what only the running server knows of it. */
type LiveView = (device: StoredDevice) => Device;

function createLiveView(
  { heartbeatIntervalMs }: DeviceOptions,
  { presence, clock }: Pick<DeviceDependencies, 'presence' | 'clock'>,
): LiveView {
  return (device) => {
    const heardAtMs = presence.heardAtMs(device.id);
    const online = heardAtMs !== null;
    if (device.guest) return { ...device, online, status: online ? 'active' : 'offline' };
    const status = statusOf(heardAtMs, clock.nowMs(), heartbeatIntervalMs * MISSED_HEARTBEATS_MAX);
    const lastSeenAtMs =
      heardAtMs === null ? device.lastSeenAtMs : Math.max(heardAtMs, device.lastSeenAtMs ?? 0);
    return { ...device, online, status, lastSeenAtMs };
  };
}

/** Reading devices. */
function createDeviceReader(
  { store, networks }: DeviceDependencies,
  withPresence: LiveView,
): Pick<DeviceService, 'getDevice' | 'listDevices'> {
  return {
    async getDevice(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      return withPresence(await requireDevice(store, account, deviceId));
    },

    async listDevices(actor, { status, after, limit, ...filter }) {
      const account = requirePermission(actor, 'devices.read');
      if (filter.networkId !== null) await networks.getNetwork(account, filter.networkId);
      if (status === null) {
        const page = pageOf(await store.listDevices(account, filter, after, limit + 1), limit, byCreation);
        return { ...page, items: page.items.map(withPresence) };
      }
      const looked = await store.listDevices(account, filter, after, DEVICES_LOOKED_AT_MAX + 1);
      const rest = pageOf(looked, DEVICES_LOOKED_AT_MAX, byCreation);
      const found = rest.items.map(withPresence).filter((device) => device.status === status);
      return found.length > limit ? pageOf(found, limit, byCreation) : { items: found, next: rest.next };
    },
  };
}

/** Registering and changing devices. */
function createDeviceCatalogue(
  { devicesMax }: DeviceOptions,
  dependencies: DeviceDependencies,
  withPresence: LiveView,
): Pick<DeviceService, 'registerDevice' | 'changeDevice'> {
  const { store, networks, presence, secretBox, clock, random } = dependencies;

  return {
    async registerDevice(actor, { name, networkId, worldType, assignedId, deviceId, sessionKey }) {
      const account = requirePermission(actor, 'devices.manage');
      requireMayAssign(account, assignedId ?? undefined);
      await networks.getNetwork(account, networkId);
      const { stored, token } = makeToken(dependencies);
      const signingKey = random.bytes(SIGNING_KEY_BYTES);
      const { tenantId } = account;
      const device: StoredDevice = {
        id: deviceId ?? asId<DeviceId>(random.uuid()),
        name,
        assignedId,
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
        sessionKey,
      };
      const outcome = await store.addDevice(account, device, secrets, devicesMax);
      if (outcome === 'name_taken') throw nameTaken();
      if (outcome === 'id_taken') throw idTaken();
      if (outcome === 'network_not_found') throw notFound('network');
      if (outcome === 'limit_reached') throw limitReached(devicesMax);
      await presence.joined({ tenantId, deviceId: device.id }, networkId);
      return { device: withPresence(device), token, signingKey };
    },

    async changeDevice(actor, deviceId, { name, assignedId }) {
      const account = requirePermission(actor, 'devices.manage');
      const device = await requireOwnDevice(store, account, deviceId);
      requireMayAssign(account, assignedId);
      const outcome = await store.changeDevice(account, deviceId, { name, assignedId });
      if (outcome === 'name_taken') throw nameTaken();
      if (outcome === 'id_taken') throw idTaken();
      if (outcome === 'not_found') throw notFound('device');
      presence.changed(deviceId);
      return withPresence({
        ...device,
        name,
        assignedId: assignedId === undefined ? device.assignedId : assignedId,
      });
    },
  };
}

function createDeviceRemoval({ store, presence }: DeviceDependencies): Pick<DeviceService, 'removeDevice'> {
  return {
    async removeDevice(actor, deviceId) {
      const account = requirePermission(actor, 'devices.remove');
      await requireOwnDevice(store, account, deviceId);
      const networks = await store.findEveryNetwork(account.tenantId, deviceId);
      const removed = await store.removeDevice(account, deviceId).catch((error: unknown) => {
        // It may be removed all the same.
        presence.endDevice(deviceId);
        throw error;
      });
      if (!removed) throw notFound('device');
      await presence.forget(deviceId, networks);
    },
  };
}

function limitReached(devicesMax: number): AppError {
  return new AppError('conflict', 'limit_reached', 'You have as many devices as you may have.', {
    details: { devicesMax },
  });
}

/** Refuses with `forbidden` an account that doesn't see every device of its tenant, where it gives or takes an id. */
function requireMayAssign({ networkIds }: AccountActor, assignedId: string | null | undefined): void {
  if (assignedId === undefined || networkIds === null) return;
  throw new AppError('forbidden', 'forbidden', 'Ids are given by members for the whole tenant.');
}

function idTaken(): AppError {
  return new AppError('conflict', 'device_id_taken', 'You have a device of this id.');
}

function nameTaken(): AppError {
  return new AppError('conflict', 'device_name_taken', 'You have a device of this name.');
}
