import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import { gather } from '../../kernel/gather.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { StorageRoom } from '../../kernel/storage-room.ts';
import { BATCH_DEVICES_MAX, BATCH_REPORTS_MAX, TENANT_WAITING_MAX, WAITING_MAX } from './limits.ts';
import type {
  ChangeConditions,
  DesiredOutcome,
  DeviceInNetwork,
  DeviceLookup,
  DeviceOutlets,
  NetworkLookup,
  ShadowStore,
} from './ports.ts';
import { changeOf, differenceOf, isSame, problemOf } from './rules.ts';
import type { Report, Shadow, ShadowOwner, StateChange } from './types.ts';

/** A device, in this network or (null) in the first of its networks that the actor sees. */
export interface AskedShadow {
  readonly deviceId: DeviceId;
  readonly networkId: NetworkId | null;
}

/** What is wanted of devices, and what they say that they are. */
export interface ShadowService {
  /** The shadow of a device that the actor may see. Refuses with `device_not_found` and `network_not_found`. */
  get(actor: Actor, asked: AskedShadow): Promise<Shadow & { readonly networkId: NetworkId }>;
  /**
   * Changes what is wanted by a merge patch (RFC 7396), and tells the device: one that is away when it returns. Refuses as `get`
   * does, with `forbidden`, with `invalid_input`, with `conflict` where the version is another than the expected one, with
   * `lock_token_stale` where the lock is not held under the token that is shown, with
   * `too_large`, and with `storage_quota_exceeded` where the network has no room.
   */
  desire(
    actor: Actor,
    asked: AskedShadow,
    patch: JsonObject,
    conditions: ChangeConditions,
  ): Promise<Shadow & { readonly networkId: NetworkId }>;
  /**
   * Keeps what a device says of itself. Resolves when it is written. Refuses with `invalid_input`, with `limit_reached` what is
   * more than is kept, with `storage_full`, and with `unavailable` where too much waits.
   */
  report(owner: ShadowOwner, change: StateChange): Promise<void>;
  /**
   * The same for a device that says which version it knows of what it said before (null: whatever it is). Resolves with its shadow
   * then. Refuses as `report` does, and with `conflict` where the version is another.
   */
  reportUnder(owner: ShadowOwner, change: StateChange, version: number | null): Promise<Shadow>;
  /** A device's own shadow. */
  getOwn(owner: ShadowOwner): Promise<Shadow>;
  /** The device can be told something in this network: tells it what is wanted and not so, unless nothing is. */
  sessionBegan(device: DeviceInNetwork): void;
  /** The device is connected, or says anew what it takes: sends it by a command what it wasn't told. */
  returned(deviceId: DeviceId): void;
  /** Resolves when everything is written and said. */
  stop(): Promise<void>;
}

/** What the service needs. */
export interface ShadowDependencies {
  readonly store: ShadowStore;
  readonly devices: DeviceLookup;
  readonly networks: NetworkLookup;
  readonly outlets: DeviceOutlets;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly room: StorageRoom;
}

/** Builds the service. */
export function createShadowService(dependencies: ShadowDependencies): ShadowService {
  const { store, devices, networks, clock, room } = dependencies;
  const teller = createTeller(dependencies);

  const ownerOf = async (
    actor: Actor,
    permission: 'devices.read' | 'devices.command',
    { deviceId, networkId }: AskedShadow,
  ) => {
    const account = requirePermission(actor, permission);
    const device = await devices.getDevice(account, deviceId);
    const wanted = networkId ?? device.networkIds[0];
    if (wanted === undefined || !device.networkIds.includes(wanted)) throw notFound('network');
    const network = await networks.getNetwork(account, wanted);
    return { account, owner: { networkId: network.id, tenantId: network.tenantId, deviceId } };
  };

  return {
    ...createReporter(dependencies, teller),
    returned: (deviceId) => teller.sendUntold(deviceId),
    sessionBegan: (device) => teller.tellDifference(device),

    async get(actor, asked) {
      const { account, owner } = await ownerOf(actor, 'devices.read', asked);
      const shadow = (await store.find(account, owner)) ?? NO_SHADOW;
      return { ...shadow, networkId: owner.networkId };
    },

    getOwn: async (owner) => (await store.findOwn(owner)) ?? NO_SHADOW,

    async desire(actor, asked, patch, conditions) {
      const { account, owner } = await ownerOf(actor, 'devices.command', asked);
      const change = changeOf(patch);
      if (typeof change === 'string') throw invalidInput(change);
      room.requireRoom();
      const outcome = await store.changeDesired(account, owner, change, conditions, clock.nowMs());
      if (!outcome.ok) throw refusalOf(outcome);
      await teller.tell(owner, outcome.shadow);
      teller.sendUntold(owner.deviceId);
      return { ...outcome.shadow, networkId: owner.networkId };
    },
  };
}

const NOTHING = { state: {}, version: 0, changedAtMs: null } as const;
const NO_SHADOW: Shadow = { desired: NOTHING, reported: NOTHING };

/** Tells devices what is wanted of them. */
interface Teller {
  /**
   * Publishes the difference, and tells the device where it is connected. What fails is in the log: the message is published anew
   * with the next change.
   */
  tell(owner: ShadowOwner, shadow: Shadow): Promise<void>;
  /** Tells a device that has come of the difference, unless there is none. */
  tellDifference(device: DeviceInNetwork): void;
  sendUntold(deviceId: DeviceId): void;
  idle(): Promise<void>;
}

/** Tells devices that come what is wanted of them and not so, those that come together by one look. */
function createDifferenceTeller({
  store,
  outlets,
  logger,
}: Pick<ShadowDependencies, 'store' | 'outlets' | 'logger'>): (device: DeviceInNetwork) => Promise<void> {
  const listWanted = gather(
    (devices: readonly DeviceInNetwork[]) => store.listWanted(devices),
    BATCH_DEVICES_MAX,
  );
  return async (device) => {
    try {
      const shadow = await listWanted(device);
      const difference = shadow === null ? {} : differenceOf(shadow);
      if (shadow === null || Object.keys(difference).length === 0) return;
      outlets.tell(shadow, shadow.desired.version, difference);
    } catch (error) {
      logger.warn({ operation: 'shadow.tell', error }, 'a device was not told what is wanted');
    }
  };
}

function createTeller({
  store,
  outlets,
  logger,
}: Pick<ShadowDependencies, 'store' | 'outlets' | 'logger'>): Teller {
  /** Devices that are looked at, and whether they are to be looked at again. */
  const looking = new Map<DeviceId, boolean>();
  let idle: Promise<void> = Promise.resolve();

  // Devices come together, when a server has started anew.
  const listUntold = gather(
    (deviceIds: readonly DeviceId[]) => store.listUntold(deviceIds),
    BATCH_DEVICES_MAX,
  );
  const tellDifference = createDifferenceTeller({ store, outlets, logger });
  const waitFor = (work: Promise<void>): void => {
    const before = idle;
    idle = work.then(() => before);
  };
  const send = async (deviceId: DeviceId): Promise<void> => {
    const untold = await listUntold(deviceId);
    if (untold.length === 0 || !(await outlets.takesCommands(deviceId))) return;
    for (const shadow of untold) {
      const difference = differenceOf(shadow);
      if (Object.keys(difference).length > 0) await outlets.command(shadow, difference);
      await store.saveTold(shadow, shadow.desired.version);
    }
  };
  const look = async (deviceId: DeviceId): Promise<void> => {
    try {
      do {
        looking.set(deviceId, false);
        await send(deviceId);
      } while (looking.get(deviceId) === true);
    } catch (error) {
      logger.warn({ operation: 'shadow.tell', deviceId, error }, 'a device was not told what is wanted');
    } finally {
      looking.delete(deviceId);
    }
  };

  return {
    async tell(owner, shadow) {
      const { version } = shadow.desired;
      if (version === 0) return;
      const difference = differenceOf(shadow);
      outlets.tell(owner, version, difference);
      await outlets.publish(owner, version, difference).catch((error: unknown) => {
        logger.warn({ operation: 'shadow.tell', error }, 'what is wanted was not published');
      });
    },
    tellDifference: (device) => waitFor(tellDifference(device)),
    sendUntold(deviceId) {
      if (looking.has(deviceId)) {
        looking.set(deviceId, true);
        return;
      }
      waitFor(look(deviceId));
    },
    idle: () => idle,
  };
}

/** Writes what devices say, all that waits in one transaction, one transaction at a time. */
function createReporter(
  { store, clock, room }: Pick<ShadowDependencies, 'store' | 'clock' | 'room'>,
  teller: Teller,
): Pick<ShadowService, 'report' | 'reportUnder' | 'stop'> {
  const waiting = new Map<TenantId, number>();
  let waitingOfAll = 0;
  let idle: Promise<unknown> = Promise.resolve();
  const count = (tenantId: TenantId, change: 1 | -1): void => {
    waitingOfAll += change;
    const next = (waiting.get(tenantId) ?? 0) + change;
    if (next > 0) waiting.set(tenantId, next);
    else waiting.delete(tenantId);
  };
  const keep = gather(
    (reports: readonly Report[]) => store.saveReports(reports, clock.nowMs()),
    BATCH_REPORTS_MAX,
  );

  const report: ShadowService['reportUnder'] = async (owner, change, expectedVersion) => {
    room.requireRoom();
    for (const [name, value] of Object.entries(change)) {
      const problem = problemOf(name, value);
      if (problem !== null) throw invalidInput(problem);
    }
    const { tenantId } = owner;
    if ((waiting.get(tenantId) ?? 0) >= TENANT_WAITING_MAX || waitingOfAll >= WAITING_MAX) {
      throw new AppError('unavailable', 'unavailable', 'Too much waits to be written. Try again.');
    }
    count(tenantId, 1);
    try {
      const outcome = await keep({ ...owner, change, expectedVersion });
      if (!outcome.ok) throw outcome.reason === 'conflict' ? reportConflict(outcome) : tooMuchReported();
      const { before, after } = outcome;
      if (!isSame(differenceOf(before), differenceOf(after))) await teller.tell(owner, after);
      return after;
    } finally {
      count(tenantId, -1);
    }
  };
  const reportUnder: ShadowService['reportUnder'] = (owner, change, version) => {
    const reported = report(owner, change, version);
    const before = idle;
    idle = reported.then(
      () => before,
      () => before,
    );
    return reported;
  };
  return {
    reportUnder,
    report: async (owner, change) => void (await reportUnder(owner, change, null)),
    async stop() {
      await idle;
      await teller.idle();
    },
  };
}

function refusalOf(outcome: DesiredOutcome & { readonly ok: false }): AppError {
  switch (outcome.reason) {
    case 'conflict':
      return new AppError('conflict', 'conflict', 'What is wanted has changed meanwhile.', {
        details: { version: outcome.version },
      });
    case 'too_large':
      return new AppError('too_large', 'too_large', 'That is more than is kept of a device.');
    case 'no_room':
      return new AppError(
        'conflict',
        'storage_quota_exceeded',
        'The network keeps as much of devices as it may.',
      );
    case 'not_found':
      return notFound('device');
  }
}

/** The version is in the words, too: an ERROR frame and a plain device's refusal have nothing else. */
function reportConflict({ version }: { readonly version: number }): AppError {
  return new AppError(
    'conflict',
    'conflict',
    `What the device said of itself has changed meanwhile: its version is ${version}.`,
    { details: { version } },
  );
}

function tooMuchReported(): AppError {
  return new AppError('conflict', 'limit_reached', 'The device says more of itself than is kept.');
}
