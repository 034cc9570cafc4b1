import { AppError, notFound } from '../../kernel/errors.ts';
import { Groups } from '../../kernel/groups.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { DEVICE_PATHS_MAX, LOOKUPS_MAX, SETUP_MS } from './limits.ts';
import { createPathRules, type PathRuleService } from './owners-rules.ts';
import type { PathDependencies } from './ports.ts';
import { checkAnswer, checkFingerprint, checkReport, isPermitted } from './rules.ts';
import type {
  DirectPath,
  PathAnswer,
  PathEndReason,
  PathPair,
  PathPeer,
  PathReport,
  PathStatus,
} from './types.ts';

/** Direct paths between devices: who may have one, and which there are. The server never opens a connection by what a device says. */
export interface PathService extends PathRuleService {
  /**
   * A device wants a path to another one, which is asked. Refuses with `invalid_input`, `device_not_found`, `direct_not_permitted`,
   * `connection_required`, `device_offline`, `limit_reached`.
   */
  offer(peer: PathPeer, targetId: DeviceId, fingerprint: Uint8Array): Promise<PathStatus>;
  /** The device that is asked says where it listens. Refuses with `direct_path_not_found`, `invalid_input`, `direct_address_wrong`. */
  answer(peer: PathPeer, answer: PathAnswer): PathStatus;
  /** Either device says how the path is, or that it is gone. Refuses with `direct_path_not_found`, `invalid_input`. */
  report(peer: PathPeer, report: PathReport): PathStatus;
  /** The path that is up between two devices of a network; null: there is none. */
  find(networkId: NetworkId, oneId: DeviceId, otherId: DeviceId): DirectPath | null;
  /** Something else may be sent in a network than before: what isn't allowed any more ends at once. */
  permissionsChanged(networkId: NetworkId): void;
  /** A session of a device in a network began, or its connection ended: paths live no longer than the sessions of both. */
  sessionChanged(deviceId: DeviceId, networkId: NetworkId | null): void;
}

/** Builds the service. */
export function createPathService(dependencies: PathDependencies): PathService {
  const paths = new Paths(dependencies);
  const owners = createPathRules(dependencies, (id, concerned) => paths.rulesChanged(id, concerned));
  return {
    ...owners,
    offer: (peer, targetId, fingerprint) => paths.offer(peer, targetId, fingerprint),
    answer: (peer, answer) => paths.answer(peer, answer),
    report: (peer, report) => paths.report(peer, report),
    find: (networkId, oneId, otherId) => paths.find(networkId, oneId, otherId),
    permissionsChanged: (networkId) => paths.permissionsChanged(networkId),
    sessionChanged: (deviceId, networkId) => paths.sessionChanged(deviceId, networkId),
  };
}

const pairKeyOf = (networkId: NetworkId, oneId: DeviceId, otherId: DeviceId) =>
  oneId < otherId ? `${networkId} ${oneId} ${otherId}` : `${networkId} ${otherId} ${oneId}`;
const idsOf = ({ networkId, source, target }: DirectPath) => [networkId, source.deviceId, target.deviceId];
const has = ({ source, target }: DirectPath, deviceId: DeviceId) =>
  source.deviceId === deviceId || target.deviceId === deviceId;

/** What is being looked up for two devices; old, once something of it has changed. */
interface Lookup extends PathPair {
  isOld: boolean;
}

class Paths {
  readonly #dependencies: PathDependencies;
  readonly #byPair = new Map<string, DirectPath>();
  readonly #byId = new Map<string, DirectPath>();
  /** By the ids of their networks and of both devices: what happens to one of these costs as much as it has paths. */
  readonly #of = new Groups<string, DirectPath>();
  /** What ends paths that don't come up, by their ids. */
  readonly #setups = new Map<string, () => void>();
  /** What is being looked up, so that it is looked up again where it is changed meanwhile. */
  readonly #lookups = new Set<Lookup>();

  constructor(dependencies: PathDependencies) {
    this.#dependencies = dependencies;
  }

  async offer(peer: PathPeer, targetId: DeviceId, fingerprint: Uint8Array): Promise<PathStatus> {
    const { outlet, random, clock } = this.#dependencies;
    checkFingerprint(fingerprint);
    const ends = await this.#decide(peer, targetId);
    const { networkId, networkTenantId, actor } = peer;
    const key = pairKeyOf(networkId, actor.deviceId, targetId);
    const known = this.#byPair.get(key);
    // Both want it at the same time: the one that was first is asked for.
    if (known !== undefined && known.state !== 'up' && known.source.deviceId === targetId)
      return this.#statusOf(known);
    if (known !== undefined) this.#end(known, [targetId], 'direct_path_not_found');
    if (this.#count(networkId, actor.deviceId) >= DEVICE_PATHS_MAX)
      throw new AppError('conflict', 'limit_reached', 'The device has as many direct paths as it may.');
    const path: DirectPath = {
      id: random.uuid(),
      networkId,
      networkTenantId,
      ...ends,
      state: 'asked',
      sinceMs: clock.nowMs(),
      roundTripMs: null,
      lossPermille: 0,
    };
    if (!outlet.offer(path, fingerprint))
      throw new AppError('conflict', 'device_offline', 'The device is not connected.');
    this.#keep(path);
    const cancel = clock.after(SETUP_MS, () => {
      const now = this.#byId.get(path.id);
      if (now !== undefined && now.state !== 'up') this.#endForBoth(now, 'request_timed_out');
    });
    this.#setups.set(path.id, cancel);
    return this.#statusOf(path);
  }

  answer(peer: PathPeer, answer: PathAnswer): PathStatus {
    checkAnswer(answer);
    const path = this.#require(peer, answer.pathId);
    if (path.target.deviceId !== peer.actor.deviceId || path.state !== 'asked') throw notFoundPath();
    if (answer.addresses.length === 0) {
      this.#end(path, [path.source.deviceId], 'direct_path_not_found');
      return { ...this.#statusOf(path), state: 'ended' };
    }
    this.#keep({ ...path, state: 'answered' });
    this.#dependencies.outlet.answer(path, answer);
    return this.#statusOf(path);
  }

  report(peer: PathPeer, report: PathReport): PathStatus {
    checkReport(report);
    const path = this.#require(peer, report.pathId);
    if (!report.isUp) {
      const { source, target } = path;
      const other = source.deviceId === peer.actor.deviceId ? target : source;
      this.#end(path, [other.deviceId], 'direct_path_not_found');
      return { ...this.#statusOf(path), state: 'ended' };
    }
    if (path.state === 'asked') throw notFoundPath();
    const up: DirectPath = {
      ...path,
      state: 'up',
      sinceMs: path.state === 'up' ? path.sinceMs : this.#dependencies.clock.nowMs(),
      roundTripMs: report.roundTripUs === 0 ? path.roundTripMs : report.roundTripUs / 1_000,
      lossPermille: report.lossPermille,
    };
    this.#keep(up);
    this.#setups.get(path.id)?.();
    this.#setups.delete(path.id);
    return this.#statusOf(up);
  }

  find(networkId: NetworkId, oneId: DeviceId, otherId: DeviceId): DirectPath | null {
    const path = this.#byPair.get(pairKeyOf(networkId, oneId, otherId));
    return path?.state === 'up' ? path : null;
  }

  permissionsChanged(networkId: NetworkId): void {
    this.#forgetLookups((lookup) => lookup.networkId === networkId);
    for (const path of [...this.#of.of(networkId)]) {
      const { source, target } = path;
      const [maySend, mayReceive] = this.#directionsNow(networkId, source.deviceId, target.deviceId);
      if (maySend !== source.maySend || mayReceive !== target.maySend)
        this.#endForBoth(path, 'direct_not_permitted');
    }
  }

  /** Owners have changed what they permit: of the paths of this network or device, those that the change concerns are looked at again. */
  async rulesChanged(id: NetworkId | DeviceId, concerned: (pair: PathPair) => boolean): Promise<void> {
    this.#forgetLookups(concerned);
    for (const path of [...this.#of.of(id)].filter(concerned)) {
      // What can't be looked up ends, too: devices ask again.
      const isStill = await this.#isPermitted(path).catch(() => false);
      if (!isStill && this.#byId.has(path.id)) this.#endForBoth(path, 'direct_not_permitted');
    }
  }

  sessionChanged(deviceId: DeviceId, networkId: NetworkId | null): void {
    for (const path of [...this.#of.of(deviceId)])
      if (networkId === null || path.networkId === networkId) this.#endForBoth(path, 'device_offline');
  }

  /** Who the ends are, where a path is permitted, and was so until now. */
  async #decide(peer: PathPeer, targetId: DeviceId): Promise<Pick<DirectPath, 'source' | 'target'>> {
    const { networkId, actor } = peer;
    for (let tried = 0; tried < LOOKUPS_MAX; tried++) {
      const lookup: Lookup = {
        networkId,
        source: { deviceId: actor.deviceId },
        target: { deviceId: targetId },
        isOld: false,
      };
      this.#lookups.add(lookup);
      try {
        const ends = await this.#requirePermitted(peer, targetId);
        if (!lookup.isOld) return ends;
      } finally {
        this.#lookups.delete(lookup);
      }
    }
    throw notPermitted();
  }

  #forgetLookups(concerned: (pair: PathPair) => boolean): void {
    for (const lookup of this.#lookups) if (concerned(lookup)) lookup.isOld = true;
  }

  async #requirePermitted(
    peer: PathPeer,
    targetId: DeviceId,
  ): Promise<Pick<DirectPath, 'source' | 'target'>> {
    const { members, permissions } = this.#dependencies;
    const { networkId, networkTenantId, actor } = peer;
    const targetTenantId = targetId === actor.deviceId ? null : await members.tenantOf(networkId, targetId);
    if (targetTenantId === null) throw notFound('device');
    const [maySend, mayReceive] = await Promise.all([
      permissions.isUnlimited(networkId, actor.deviceId, targetId),
      permissions.isUnlimited(networkId, targetId, actor.deviceId),
    ]);
    if (!maySend && !mayReceive)
      throw new AppError(
        'forbidden',
        'connection_required',
        'The devices may not send to each other freely.',
      );
    const source = { deviceId: actor.deviceId, tenantId: actor.tenantId, maySend };
    const target = { deviceId: targetId, tenantId: targetTenantId, maySend: mayReceive };
    if (!(await this.#isPermitted({ networkId, networkTenantId, source, target }))) throw notPermitted();
    return { source, target };
  }

  async #isPermitted({
    networkId,
    networkTenantId,
    source,
    target,
  }: Pick<DirectPath, 'networkId' | 'networkTenantId' | 'source' | 'target'>): Promise<boolean> {
    const rules = await this.#dependencies.store.readRules(networkId, [source.deviceId, target.deviceId]);
    return isPermitted(rules, { network: networkTenantId, first: source.tenantId, second: target.tenantId });
  }

  #directionsNow(networkId: NetworkId, sourceId: DeviceId, targetId: DeviceId): [boolean, boolean] {
    const { permissions } = this.#dependencies;
    return [
      permissions.isUnlimitedNow(networkId, sourceId, targetId),
      permissions.isUnlimitedNow(networkId, targetId, sourceId),
    ];
  }

  /** A path of this device. */
  #require({ networkId, actor }: PathPeer, pathId: string): DirectPath {
    const path = this.#byId.get(pathId);
    if (path === undefined || path.networkId !== networkId || !has(path, actor.deviceId))
      throw notFoundPath();
    return path;
  }

  #count(networkId: NetworkId, deviceId: DeviceId): number {
    let count = 0;
    for (const path of this.#of.of(deviceId)) if (path.networkId === networkId) count++;
    return count;
  }

  #keep(path: DirectPath): void {
    const before = this.#byId.get(path.id);
    for (const id of idsOf(path)) {
      if (before !== undefined) this.#of.remove(id, before);
      this.#of.add(id, path);
    }
    this.#byPair.set(pairKeyOf(path.networkId, path.source.deviceId, path.target.deviceId), path);
    this.#byId.set(path.id, path);
  }

  #endForBoth(path: DirectPath, reason: PathEndReason): void {
    this.#end(path, [path.source.deviceId, path.target.deviceId], reason);
  }

  #end({ id }: DirectPath, told: readonly DeviceId[], reason: PathEndReason): void {
    const path = this.#byId.get(id);
    if (path === undefined) return;
    this.#byId.delete(id);
    for (const one of idsOf(path)) this.#of.remove(one, path);
    this.#setups.get(path.id)?.();
    this.#setups.delete(path.id);
    this.#byPair.delete(pairKeyOf(path.networkId, path.source.deviceId, path.target.deviceId));
    for (const deviceId of told) this.#dependencies.outlet.ended(path, deviceId, reason);
  }

  #statusOf({ id, state, networkId, source, target }: DirectPath): PathStatus {
    const { presence } = this.#dependencies;
    const trips = [source, target].map(({ deviceId }) => presence.roundTripMs(networkId, deviceId));
    const [one, other] = trips;
    const relayRoundTripMs = one == null || other == null ? null : one + other;
    return { pathId: id, state: state === 'up' ? 'up' : 'asked', relayRoundTripMs };
  }
}

function notFoundPath(): AppError {
  return new AppError('not_found', 'direct_path_not_found', 'There is no such direct path.');
}

function notPermitted(): AppError {
  return new AppError('forbidden', 'direct_not_permitted', 'Not every owner permits a direct path.');
}
