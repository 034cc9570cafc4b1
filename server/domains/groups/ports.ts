import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { Random } from '../../kernel/random.ts';
import type { NetworkService } from '../networks/index.ts';
import type { DeviceGroup, GroupMember } from './types.ts';

/** A member of a group, and its network. */
export interface StoredMember extends GroupMember {
  readonly networkId: NetworkId;
}

/** A group of a network of the account's tenant. */
export interface GroupOfNetwork {
  readonly networkId: NetworkId;
  readonly groupId: string;
}

/** Where groups are kept. Each way shows an account only what is in the networks that its membership is for. */
export interface GroupStore {
  add(
    actor: AccountActor,
    group: Omit<DeviceGroup, 'members'>,
  ): Promise<'added' | 'name_taken' | 'limit_reached'>;
  /** Null: there is no such group. */
  find(actor: AccountActor, group: GroupOfNetwork): Promise<DeviceGroup | null>;
  list(
    actor: AccountActor,
    networkId: NetworkId,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<readonly DeviceGroup[]>;
  rename(
    actor: AccountActor,
    group: GroupOfNetwork,
    name: string,
  ): Promise<'renamed' | 'name_taken' | 'not_found'>;
  /** False: there was no such group. */
  remove(actor: AccountActor, group: GroupOfNetwork): Promise<boolean>;
  /** In the order of their ids, those behind `after`. */
  listMembers(
    actor: AccountActor,
    group: GroupOfNetwork,
    after: DeviceId | null,
    limit: number,
  ): Promise<readonly DeviceId[]>;
  /** Adds all of them or none; those that are there stay. */
  addMembers(
    actor: AccountActor,
    group: GroupOfNetwork,
    deviceIds: readonly DeviceId[],
    joinedOffset: number,
  ): Promise<'added' | 'not_found' | 'device_not_found' | 'limit_reached'>;
  /** False: it wasn't there. */
  removeMember(actor: AccountActor, group: GroupOfNetwork, deviceId: DeviceId): Promise<boolean>;
  /** All groups of these networks with their members, whoever they belong to. */
  readGroups(networkIds: readonly NetworkId[]): Promise<{
    readonly groups: readonly { readonly networkId: NetworkId; readonly id: string }[];
    readonly members: readonly StoredMember[];
  }>;
}

/** What the service needs. */
export interface GroupDependencies {
  readonly store: GroupStore;
  readonly networks: Pick<NetworkService, 'getNetwork'>;
  /** The streams that groups are read from. */
  readonly streams: { headOf(networkId: NetworkId): Promise<number> };
  readonly clock: Clock;
  readonly random: Random;
}
