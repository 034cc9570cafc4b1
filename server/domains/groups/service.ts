import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { GroupBook } from './group-book.ts';
import { GROUP_MEMBERS_MAX, NETWORK_GROUPS_MAX, NETWORK_MEMBERS_MAX } from './limits.ts';
import type { GroupDependencies, GroupOfNetwork } from './ports.ts';
import type { DeviceGroup } from './types.ts';

/** Named sets of devices of a network. All refuse with `network_not_found`, and those that name a group with `group_not_found`. */
export interface GroupService {
  /** Refuses with `group_name_taken`, `limit_reached`. */
  create(actor: Actor, networkId: NetworkId, name: string): Promise<DeviceGroup>;
  list(
    actor: Actor,
    networkId: NetworkId,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<Page<DeviceGroup, ListPosition<string>>>;
  /** Refuses with `group_name_taken`. */
  rename(actor: Actor, group: GroupOfNetwork, name: string): Promise<DeviceGroup>;
  /** What is stored for the group is read by nobody any more. */
  remove(actor: Actor, group: GroupOfNetwork): Promise<void>;
  listMembers(
    actor: Actor,
    group: GroupOfNetwork,
    after: DeviceId | null,
    limit: number,
  ): Promise<Page<DeviceId, DeviceId>>;
  /**
   * Adds devices of the network, all or none: what is said to the group from now on is for them. Refuses with `device_not_found`,
   * `limit_reached`.
   */
  addMembers(actor: Actor, group: GroupOfNetwork, deviceIds: readonly DeviceId[]): Promise<DeviceGroup>;
  /** Refuses with `device_not_found`. */
  removeMember(actor: Actor, group: GroupOfNetwork, deviceId: DeviceId): Promise<void>;
}

/** Builds the service. `book` is what frames are multicast by. */
export function createGroupService(book: GroupBook, dependencies: GroupDependencies): GroupService {
  const { store, networks, streams, clock, random } = dependencies;

  const requireNetwork = async (
    actor: Actor,
    networkId: NetworkId,
    permission: 'devices.read' | 'devices.manage',
  ): Promise<AccountActor> => {
    const account = requirePermission(actor, permission);
    await networks.getNetwork(account, networkId);
    return account;
  };
  const getGroup = async (account: AccountActor, group: GroupOfNetwork): Promise<DeviceGroup> => {
    const found = await store.find(account, group);
    if (found === null) throw notFound('group');
    return found;
  };

  return {
    async create(actor, networkId, name) {
      const account = await requireNetwork(actor, networkId, 'devices.manage');
      const group = { id: random.uuid(), networkId, name, createdAtMs: clock.nowMs() };
      requireDone(await store.add(account, group));
      await book.reload(networkId);
      return { ...group, members: 0 };
    },

    async list(actor, networkId, after, limit) {
      const account = await requireNetwork(actor, networkId, 'devices.read');
      return pageOf(await store.list(account, networkId, after, limit + 1), limit, byCreation);
    },

    async rename(actor, group, name) {
      const account = await requireNetwork(actor, group.networkId, 'devices.manage');
      requireDone(await store.rename(account, group, name));
      return getGroup(account, group);
    },

    async remove(actor, group) {
      const account = await requireNetwork(actor, group.networkId, 'devices.manage');
      if (!(await store.remove(account, group))) throw notFound('group');
      await book.reload(group.networkId);
    },

    async listMembers(actor, group, after, limit) {
      const account = await requireNetwork(actor, group.networkId, 'devices.read');
      await getGroup(account, group);
      return pageOf(await store.listMembers(account, group, after, limit + 1), limit, (id) => id);
    },

    async addMembers(actor, group, deviceIds) {
      const account = await requireNetwork(actor, group.networkId, 'devices.manage');
      const joinedOffset = await streams.headOf(group.networkId);
      requireDone(await store.addMembers(account, group, [...new Set(deviceIds)], joinedOffset));
      await book.reload(group.networkId);
      return getGroup(account, group);
    },

    async removeMember(actor, group, deviceId) {
      const account = await requireNetwork(actor, group.networkId, 'devices.manage');
      await getGroup(account, group);
      if (!(await store.removeMember(account, group, deviceId))) throw notFound('device');
      await book.reload(group.networkId);
    },
  };
}

type Outcome = 'added' | 'renamed' | 'name_taken' | 'not_found' | 'device_not_found' | 'limit_reached';

/** Refuses as the outcome says. */
function requireDone(outcome: Outcome): void {
  if (outcome === 'name_taken') throw nameTaken();
  if (outcome === 'not_found') throw notFound('group');
  if (outcome === 'device_not_found') throw notFound('device');
  if (outcome === 'limit_reached') throw limitReached();
}

function nameTaken(): AppError {
  return new AppError('conflict', 'group_name_taken', 'The network has a group of this name.');
}

function limitReached(): AppError {
  return new AppError('conflict', 'limit_reached', 'There are as many groups or members as may be.', {
    details: {
      groupsMax: NETWORK_GROUPS_MAX,
      membersMax: GROUP_MEMBERS_MAX,
      networkMembersMax: NETWORK_MEMBERS_MAX,
    },
  });
}
