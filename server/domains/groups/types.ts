import type { DeviceId, NetworkId } from '../../kernel/ids.ts';

/** A named set of devices in a network. */
export interface DeviceGroup {
  readonly id: string;
  readonly networkId: NetworkId;
  readonly name: string;
  readonly createdAtMs: number;
  readonly members: number;
}

/** A device in a group, and the head of the network's stream when it joined. */
export interface GroupMember {
  readonly groupId: string;
  readonly deviceId: DeviceId;
  readonly joinedOffset: number;
}
