import { gather } from '../../kernel/gather.ts';
import { HeldValues } from '../../kernel/held-values.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { GroupMembers, JoinedGroup, MulticastGroups } from '../relay/index.ts';
import { NETWORKS_READ_MAX } from './limits.ts';
import type { GroupStore, StoredMember } from './ports.ts';

/** The groups of one network: one object for all who send and read there, which follows what is changed. */
export class NetworkGroups implements MulticastGroups {
  #members: ReadonlyMap<string, ReadonlyMap<DeviceId, number>> = new Map();
  #appliedRead = 0;

  membersOf(groupId: string): GroupMembers | undefined {
    return this.#members.get(groupId);
  }

  groupsOf(deviceId: DeviceId): readonly JoinedGroup[] {
    const joined: JoinedGroup[] = [];
    for (const [groupId, members] of this.#members) {
      const joinedOffset = members.get(deviceId);
      if (joinedOffset !== undefined) joined.push({ groupId, joinedOffset });
    }
    return joined;
  }

  /** What the read of this number found, unless a later one is known. */
  apply(groupIds: readonly string[], members: readonly StoredMember[], read: number): void {
    if (read < this.#appliedRead) return;
    this.#appliedRead = read;
    const byGroup = new Map(groupIds.map((id) => [id, new Map<DeviceId, number>()] as const));
    for (const { groupId, deviceId, joinedOffset } of members)
      byGroup.get(groupId)?.set(deviceId, joinedOffset);
    this.#members = byGroup;
  }

  /** A device left the network. */
  forget(deviceId: DeviceId): void {
    this.#members = new Map(
      [...this.#members].map(([groupId, members]) => [
        groupId,
        new Map([...members].filter(([memberId]) => memberId !== deviceId)),
      ]),
    );
  }

  /** What is decided could not be read: there are no groups until it is. */
  clear(): void {
    this.#members = new Map();
  }
}

/** The groups of the networks that have connected devices here. */
export class GroupBook {
  readonly #networks: HeldValues<NetworkId, NetworkGroups>;
  #reads = 0;
  readonly #read: (
    networkId: NetworkId,
  ) => Promise<{ groupIds: readonly string[]; members: readonly StoredMember[]; read: number }>;

  constructor(store: Pick<GroupStore, 'readGroups'>) {
    this.#networks = new HeldValues(
      () => new NetworkGroups(),
      (networkId, groups) => this.#readInto(networkId, groups),
    );
    this.#read = gather(async (networkIds: readonly NetworkId[]) => {
      const read = ++this.#reads;
      const found = await store.readGroups(networkIds);
      return networkIds.map((networkId) => ({
        groupIds: found.groups.filter((each) => each.networkId === networkId).map(({ id }) => id),
        members: found.members.filter((each) => each.networkId === networkId),
        read,
      }));
    }, NETWORKS_READ_MAX);
  }

  load(networkId: NetworkId): NetworkGroups | Promise<NetworkGroups> {
    return this.#networks.load(networkId);
  }

  peek(networkId: NetworkId): NetworkGroups | undefined {
    return this.#networks.peek(networkId);
  }

  /** Reads the groups anew, where somebody holds them. */
  async reload(networkId: NetworkId): Promise<void> {
    const groups = this.peek(networkId);
    if (groups === undefined) return;
    try {
      await this.#readInto(networkId, groups);
    } catch (error) {
      groups.clear();
      throw error;
    }
  }

  async #readInto(networkId: NetworkId, groups: NetworkGroups): Promise<void> {
    const { groupIds, members, read } = await this.#read(networkId);
    groups.apply(groupIds, members, read);
  }
}
