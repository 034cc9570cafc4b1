import type { AccountActor, Actor, DeviceActor } from '../../kernel/actor.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import { LiveFollowers } from '../../kernel/live-followers.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Release } from '../releases/index.ts';
import { RolloutProgression } from './advance.ts';
import { findTargets } from './find-targets.ts';
import { FOLLOW_LIMITS, OPEN_ROLLOUTS_MAX } from './limits.ts';
import type { RolloutDependencies } from './ports.ts';
import { NO_DEVICES, statesBefore } from './rules.ts';
import { Telling } from './telling.ts';
import type {
  DeviceReport,
  DeviceRollout,
  DeviceState,
  Rollout,
  RolloutDevice,
  RolloutFilter,
  RolloutOrder,
  RolloutProgress,
} from './types.ts';

/** Rollouts of releases. Those that name one refuse with `rollout_not_found`. */
export interface RolloutService {
  /**
   * Begins a rollout to the devices that its filter fits now. Refuses with `release_not_found`, `release_incomplete`, and as
   * `findTargets` and where the release is for one network only (`invalid_input`); with `limit_reached`.
   */
  start(actor: Actor, order: RolloutOrder): Promise<RolloutProgress>;
  get(actor: Actor, rolloutId: string): Promise<RolloutProgress>;
  list(
    actor: Actor,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<Page<RolloutProgress, ListPosition<string>>>;
  listDevices(
    actor: Actor,
    rolloutId: string,
    filter: { readonly state: DeviceState | null; readonly after: DeviceId | null; readonly limit: number },
  ): Promise<Page<RolloutDevice, DeviceId>>;
  /** The rollouts that a device was found for, the last first. Refuses with `device_not_found`. */
  listOfDevice(actor: Actor, deviceId: DeviceId): Promise<readonly DeviceRollout[]>;
  /**
   * Pauses it, lets it go on, or ends it: what a device has downloaded goes on, what it hasn't is stopped. Refuses with
   * `rollout_state_wrong`.
   */
  change(actor: Actor, rolloutId: string, to: 'running' | 'paused' | 'cancelled'): Promise<RolloutProgress>;
  /**
   * How far it is, now and whenever that changes, until `signal`. Refuses with `limit_reached` where as many follow as may; ends with
   * `consumer_too_slow`.
   */
  follow(actor: Actor, rolloutId: string, signal: AbortSignal): Promise<AsyncIterable<RolloutProgress>>;
  stopFollowing(): void;
  /** A device says how far it is. What comes twice or late changes nothing. Refuses with `rollout_not_found`. */
  report(device: DeviceActor, report: DeviceReport): Promise<void>;
  /**
   * A piece of what a device was offered. Refuses with `rollout_not_found`, with `rollout_state_wrong` where its update or the
   * rollout is over, and with `release_part_wrong` behind the end.
   */
  readPiece(
    device: DeviceActor,
    piece: { readonly rolloutId: string; readonly offset: number; readonly length: number },
  ): Promise<Uint8Array>;
  /** One round of the job: starts devices, gives up silent ones, ends what is over. */
  advance(): Promise<void>;
}

/** How far a rollout is, and whose it is. */
interface Told {
  readonly tenantId: TenantId;
  readonly progress: RolloutProgress;
}

/** Builds the service. */
export function createRolloutService(dependencies: RolloutDependencies): RolloutService {
  const { store } = dependencies;
  const live = new LiveFollowers<Told, RolloutProgress>(FOLLOW_LIMITS, (actor, { tenantId, progress }) =>
    actor.tenantId === tenantId ? progress : null,
  );
  const telling = new Telling(dependencies, live);
  const progression = new RolloutProgression(dependencies, (rolloutId) => telling.note(rolloutId));
  const get = async (account: AccountActor, rolloutId: string): Promise<RolloutProgress> => {
    const found = await store.find(account, rolloutId);
    if (found === null) throw notFound('rollout');
    return found;
  };

  return {
    ...deviceOperations(dependencies, telling),
    start: (actor, order) => start(requirePermission(actor, 'releases.manage'), order, dependencies),
    get: async (actor, rolloutId) => get(requirePermission(actor, 'releases.read'), rolloutId),

    async list(actor, after, limit) {
      const account = requirePermission(actor, 'releases.read');
      return pageOf(await store.list(account, after, limit + 1), limit, byCreation);
    },

    async listDevices(actor, rolloutId, { limit, ...filter }) {
      const account = requirePermission(actor, 'releases.read');
      await get(account, rolloutId);
      const found = await store.listDevices(account, rolloutId, { ...filter, limit: limit + 1 });
      return pageOf(found, limit, ({ deviceId }) => deviceId);
    },

    async listOfDevice(actor, deviceId) {
      const account = requirePermission(actor, 'releases.read');
      await dependencies.devices.getDevice(account, deviceId);
      return store.listOfDevice(account, deviceId);
    },

    async change(actor, rolloutId, to) {
      const account = requirePermission(actor, 'releases.manage');
      const outcome = await store.changeState(account, rolloutId, to, dependencies.clock.nowMs());
      if (outcome === 'not_found') throw notFound('rollout');
      if (outcome === 'state_wrong') throw stateWrong('The rollout is over, or is so already.');
      telling.note(rolloutId);
      return get(account, rolloutId);
    },

    async follow(actor, rolloutId, signal) {
      const account = requirePermission(actor, 'releases.read');
      await get(account, rolloutId);
      live.requireRoom(account);
      return live.follow(account, [rolloutId], async () => [await get(account, rolloutId)], signal);
    },

    stopFollowing: () => live.close(),
    advance: () => progression.advance(),
  };
}

async function start(
  account: AccountActor,
  order: RolloutOrder,
  dependencies: RolloutDependencies,
): Promise<RolloutProgress> {
  const { store, releases, clock, random } = dependencies;
  const release = await releases.get(account, order.releaseId);
  if (release.completedAtMs === null) {
    throw new AppError('conflict', 'release_incomplete', 'Parts of the release are missing.');
  }
  const filter = withinRelease(order.filter, release);
  const targets = await findTargets(account, filter, dependencies);
  const rollout: Rollout = {
    ...order,
    filter,
    id: random.uuid(),
    state: 'running',
    createdAtMs: clock.nowMs(),
    endedAtMs: null,
  };
  const outcome = await store.add(account, rollout, targets);
  if (outcome === 'release_not_found') throw notFound('release');
  if (outcome === 'limit_reached') {
    throw new AppError('conflict', 'limit_reached', 'As many rollouts are under way as may be.', {
      details: { openRolloutsMax: OPEN_ROLLOUTS_MAX },
    });
  }
  return { ...rollout, counts: { ...NO_DEVICES, queued: targets.length } };
}

/** A release of a network's own key goes to that network alone. */
function withinRelease(filter: RolloutFilter, { networkId }: Release): RolloutFilter {
  if (networkId === null || filter.networkId === networkId) return filter;
  if (filter.networkId !== null) throw invalidInput('The key of this release is for another network.');
  return { ...filter, networkId };
}

function deviceOperations(
  { store, releases, clock }: RolloutDependencies,
  telling: Telling,
): Pick<RolloutService, 'report' | 'readPiece'> {
  return {
    async report({ deviceId }, report) {
      const found = await store.findAtWork(deviceId, report.rolloutId);
      if (found === null) throw notFound('rollout');
      const isMoved = await store.report(deviceId, report, statesBefore(report.state), clock.nowMs());
      if (isMoved) telling.note(report.rolloutId);
    },

    async readPiece({ deviceId }, { rolloutId, ...range }) {
      const found = await store.findAtWork(deviceId, rolloutId);
      if (found === null) throw notFound('rollout');
      const isWanted =
        ['initiated', 'downloading'].includes(found.state) &&
        ['running', 'paused'].includes(found.rolloutState);
      if (!isWanted) throw stateWrong('This update is over.');
      const piece = await releases.readContent(found.tenantId, found.releaseId, range);
      if (piece.length > 0) return piece;
      throw new AppError('conflict', 'release_part_wrong', 'The release has no such bytes.');
    },
  };
}

function stateWrong(message: string): AppError {
  return new AppError('conflict', 'rollout_state_wrong', message);
}
