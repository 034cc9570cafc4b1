import type { Actor } from '../../kernel/actor.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { Groups } from '../../kernel/groups.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { HOLDERS_MAX } from './limits.ts';
import type { DeviceInNetwork, RightsDependencies } from './ports.ts';
import { checkRights } from './rules.ts';
import type { KeptRights, RightsHolder, TopicRights } from './types.ts';

/** Which topics devices may use in the tree of a network, where its owner says less than all. */
export interface TopicRightsService {
  /** All of a network. Refuses with `network_not_found`. */
  list(actor: Actor, networkId: NetworkId): Promise<readonly KeptRights[]>;
  /**
   * Gives a device, or all guests, these rights; they hold at once. Refuses with `network_not_found`, `device_not_found`, `invalid_input`,
   * `limit_reached`.
   */
  set(actor: Actor, networkId: NetworkId, holder: RightsHolder, rights: TopicRights): Promise<KeptRights>;
  /** Takes them away: everything is allowed again. Refuses with `network_not_found`. */
  remove(actor: Actor, networkId: NetworkId, holder: RightsHolder): Promise<void>;
  /** What holds for a device in a network at the moment; null: it may use all topics. */
  find(device: DeviceInNetwork): Promise<TopicRights | null>;
  /** The same, until it is stopped: `changed` is called once where something else holds, from the call on. */
  follow(device: DeviceInNetwork, changed: () => void): FollowedRights;
}

/** What holds for a device that is connected. */
export interface FollowedRights {
  readonly rights: Promise<TopicRights | null>;
  stop(): void;
}

/** Who is told that other rights hold. */
interface Follower extends DeviceInNetwork {
  readonly changed: () => void;
}

/** Builds the service. */
export function createTopicRightsService(dependencies: RightsDependencies): TopicRightsService {
  const { store, networks, clock } = dependencies;
  const followers = new Groups<NetworkId, Follower>();
  /** Where somebody has rights: in all other networks nothing has to be looked up. Null: not read yet. */
  let ruled: Promise<Set<NetworkId>> | null = null;
  const readRuled = (): Promise<Set<NetworkId>> => {
    ruled ??= store.listNetworks().then(
      (found) => new Set(found),
      (error: unknown) => {
        ruled = null;
        throw error;
      },
    );
    return ruled;
  };

  const find: TopicRightsService['find'] = async (device) =>
    (await readRuled()).has(device.networkId) ? store.find(device) : null;

  const tell = (networkId: NetworkId, holder: RightsHolder): void => {
    for (const follower of [...followers.of(networkId)]) {
      if (holder === 'guests' ? !follower.isGuest : follower.deviceId !== holder) continue;
      followers.remove(networkId, follower);
      follower.changed();
    }
  };

  return {
    find,

    async list(actor, networkId) {
      const account = requirePermission(actor, 'networks.read');
      await networks.getNetwork(account, networkId);
      return store.list(account, networkId);
    },

    async set(actor, networkId, holder, rights) {
      const account = requirePermission(actor, 'networks.manage');
      checkRights(rights);
      await networks.getNetwork(account, networkId);
      // Before: who looks it up while it is kept finds what was before, or this.
      (await readRuled()).add(networkId);
      const kept = { ...rights, holder, changedAtMs: clock.nowMs() };
      const outcome = await store.set(account, networkId, kept, HOLDERS_MAX);
      if (outcome === 'gone') throw notFound('device');
      if (outcome === 'full')
        throw new AppError('conflict', 'limit_reached', 'As many devices have rights of their own as may.');
      tell(networkId, holder);
      return kept;
    },

    async remove(actor, networkId, holder) {
      const account = requirePermission(actor, 'networks.manage');
      await networks.getNetwork(account, networkId);
      if (await store.remove(account, networkId, holder)) tell(networkId, holder);
    },

    follow(device, changed) {
      const follower = { ...device, changed };
      followers.add(device.networkId, follower);
      return { rights: find(device), stop: () => void followers.remove(device.networkId, follower) };
    },
  };
}
