import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import { notFound } from '../../kernel/errors.ts';
import { type ActionId, asId, type DeviceId } from '../../kernel/ids.ts';
import { actionError } from './errors.ts';
import { CHAIN_MAX } from './limits.ts';
import type { ActionDependencies, KeepOutcome } from './ports.ts';
import type { DeviceQueues } from './queues.ts';
import { checkAsked } from './rules.ts';
import type { ActingDevice, Action, AskedAction } from './types.ts';

/** What `ActionService.ask` promises. */
export async function askFor(
  dependencies: ActionDependencies,
  queues: DeviceQueues,
  actor: AccountActor | DeviceActor,
  asked: AskedAction,
): Promise<{ readonly action: Action; readonly isNew: boolean }> {
  const { store, outlet, room, clock, random } = dependencies;
  checkAsked(asked);
  room.requireRoom();
  const device = await (actor.kind === 'account'
    ? findForAccount(dependencies, actor, asked)
    : findForDevice(dependencies, actor, asked));
  const id = asked.id ?? asId<ActionId>(random.uuid());
  const chain = await chainOf(dependencies, actor, device, asked.causeId);
  if (actor.kind === 'device') await requireAllowed(dependencies, actor, device, id, asked.name);
  const nowMs = clock.nowMs();
  const { name, arguments: given, priority, timeoutMs } = asked;
  const what = {
    ...device,
    id,
    commandId: random.uuid(),
    chain,
    name,
    arguments: given,
    priority,
    timeoutMs,
  };
  const askedBy =
    actor.kind === 'account'
      ? { kind: actor.kind, id: actor.accountId }
      : { kind: actor.kind, id: actor.deviceId };
  const action = {
    ...what,
    askedBy,
    createdAtMs: nowMs,
    deadlineAtMs: asked.deadlineAtMs ?? nowMs + timeoutMs,
  };
  const isConnected = outlet.isConnected(device);
  const kept = await queues.keep(action, () => store.keep(action, isConnected));
  return outcomeOf(kept);
}

function outcomeOf(kept: KeepOutcome): { readonly action: Action; readonly isNew: boolean } {
  switch (kept.kind) {
    case 'new':
    case 'known':
      return { action: kept.action, isNew: kept.kind === 'new' };
    case 'taken':
      throw actionError('action_id_taken');
    case 'full':
      throw actionError('limit_reached');
    case 'gone':
      throw notFound('device');
  }
}

/** A user asks devices of networks of its tenant. */
async function findForAccount(
  { devices, networks }: ActionDependencies,
  account: AccountActor,
  { deviceId, networkId: named }: AskedAction,
): Promise<ActingDevice> {
  const device = await devices.getDevice(account, deviceId);
  const networkId = named ?? device.networkIds[0];
  if (networkId === undefined || !device.networkIds.includes(networkId)) throw notFound('network');
  await networks.getNetwork(account, networkId);
  return { tenantId: account.tenantId, networkId, deviceId };
}

/** A device asks another one of a network that both are in. */
async function findForDevice(
  { members }: ActionDependencies,
  { deviceId: ownId }: DeviceActor,
  { deviceId, networkId, networkTenantId: tenantId }: AskedAction,
): Promise<ActingDevice> {
  if (networkId === null || tenantId === null || deviceId === ownId) throw notFound('device');
  if (!(await members.isMember({ networkId, deviceId }))) throw notFound('device');
  return { tenantId, networkId, deviceId };
}

/** Who asked in the course of whose action. Refuses with `action_not_found` a cause that this device doesn't carry out, and `action_cyclic`. */
async function chainOf(
  { store }: ActionDependencies,
  actor: AccountActor | DeviceActor,
  target: ActingDevice,
  causeId: ActionId | null,
): Promise<readonly DeviceId[]> {
  if (actor.kind === 'account') return [];
  if (causeId === null) return [actor.deviceId];
  const cause = await store.findGiven({ ...target, deviceId: actor.deviceId }, causeId);
  if (cause === null) throw notFound('action');
  const chain = [...cause.chain, actor.deviceId];
  if (chain.includes(target.deviceId) || chain.length > CHAIN_MAX) throw actionError('action_cyclic');
  return chain;
}

async function requireAllowed(
  { permissions }: ActionDependencies,
  { deviceId: sourceId }: DeviceActor,
  { networkId, deviceId: targetId }: ActingDevice,
  id: ActionId,
  name: string,
): Promise<void> {
  await permissions.requireAllowed({ id, networkId, sourceId, targetId, name });
}
