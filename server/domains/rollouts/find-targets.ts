import type { AccountActor } from '../../kernel/actor.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { Device } from '../devices/index.ts';
import { DEVICES_TOGETHER, ROLLOUT_DEVICES_MAX } from './limits.ts';
import type { RolloutDependencies } from './ports.ts';
import type { RolloutFilter, RolloutTarget } from './types.ts';

type Sources = Pick<RolloutDependencies, 'devices' | 'groups'>;

/**
 * The devices of the tenant that a filter fits, each with a network that it is told in. Refuses with `network_not_found`,
 * `group_not_found`, `device_not_found` where none fits or one that is named doesn't, `limit_reached` where too many do.
 */
export async function findTargets(
  actor: AccountActor,
  filter: RolloutFilter,
  { devices, groups }: Sources,
): Promise<readonly RolloutTarget[]> {
  if (filter.groupId !== null && filter.networkId === null) {
    throw invalidInput('A group is one of a network: name that, too.');
  }
  const members = filter.groupId === null ? null : await membersOf(actor, filter, groups);
  const named = filter.deviceIds === null ? null : new Set(filter.deviceIds);
  const targets: RolloutTarget[] = [];
  for await (const device of devicesOf(actor, filter, devices)) {
    const networkId = filter.networkId ?? device.networkIds[0];
    const isMeant =
      !device.guest &&
      (named?.has(device.id) ?? true) &&
      (members?.has(device.id) ?? true) &&
      (filter.firmware === null || device.capabilities?.firmware === filter.firmware);
    if (isMeant && networkId !== undefined) targets.push({ deviceId: device.id, networkId });
    if (targets.length > ROLLOUT_DEVICES_MAX) throw tooMany();
  }
  if (targets.length === 0 || targets.length < (named?.size ?? 0)) throw notFound('device');
  return targets;
}

async function* devicesOf(
  actor: AccountActor,
  { networkId, worldType }: RolloutFilter,
  devices: Sources['devices'],
): AsyncGenerator<Device> {
  const filter = { networkId, worldType, assignedId: null, status: null, limit: DEVICES_TOGETHER };
  let page = await devices.listDevices(actor, { ...filter, after: null });
  for (;;) {
    yield* page.items;
    if (page.next === null) return;
    page = await devices.listDevices(actor, { ...filter, after: page.next });
  }
}

async function membersOf(
  actor: AccountActor,
  { networkId, groupId }: RolloutFilter,
  groups: Sources['groups'],
): Promise<ReadonlySet<DeviceId>> {
  const members = new Set<DeviceId>();
  if (networkId === null || groupId === null) return members;
  for (let after: DeviceId | null = null; ; ) {
    const page = await groups.listMembers(actor, { networkId, groupId }, after, DEVICES_TOGETHER);
    for (const deviceId of page.items) members.add(deviceId);
    if (page.next === null) return members;
    after = page.next;
  }
}

function tooMany(): AppError {
  return new AppError('conflict', 'limit_reached', 'More devices fit than a rollout may have.', {
    details: { devicesMax: ROLLOUT_DEVICES_MAX },
  });
}
