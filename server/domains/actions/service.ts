import type { AccountActor, Actor, DeviceActor } from '../../kernel/actor.ts';
import { notFound } from '../../kernel/errors.ts';
import { gather } from '../../kernel/gather.ts';
import type { ActionId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { askFor } from './ask.ts';
import { AskingDevices } from './asking-devices.ts';
import { actionError } from './errors.ts';
import {
  ENDED_KEPT_MS,
  EXPIRED_TOGETHER_MAX,
  LOOK_INTERVAL_MS,
  QUEUES_TOGETHER_MAX,
  REMOVED_TOGETHER_MAX,
  REPORTS_TOGETHER_MAX,
} from './limits.ts';
import type { ActionDependencies, ActionFilter, ReportOf } from './ports.ts';
import { DeviceQueues } from './queues.ts';
import { ActionReaders } from './readers.ts';
import { isGiven, type ReportOutcome } from './rules.ts';
import type {
  ActingDevice,
  Action,
  ActionEnd,
  ActionEvent,
  ActionKey,
  AskedAction,
  EventCredit,
  Report,
} from './types.ts';

/** What devices are asked to do, from who asks to the end. */
export interface ActionService {
  /**
   * Asks a device. The same id again, with the same body, gives the first action. Refuses with `forbidden`, `invalid_input`,
   * `device_not_found`, `network_not_found`, `action_id_taken`, `action_not_found` and `action_over` (of the cause), `action_cyclic`,
   * `connection_required`, `connection_limited`, `limit_reached`, `storage_full`.
   */
  ask(actor: Actor, asked: AskedAction): Promise<{ readonly action: Action; readonly isNew: boolean }>;
  /** Refuses with `action_not_found`. */
  get(actor: Actor, id: ActionId): Promise<Action>;
  /** Those that the account sees, the newest first. Refuses with `network_not_found`. */
  list(
    actor: Actor,
    filter: ActionFilter,
    after: ListPosition<ActionId> | null,
    limit: number,
  ): Promise<Page<Action, ListPosition<ActionId>>>;
  /** Ends an action for who asked for it, and has its device stop. Refuses with `action_not_found`, `action_over`. */
  cancel(actor: Actor, id: ActionId): Promise<Action>;
  /** Ends an action by itself; nothing where it is over. */
  stop(key: ActionKey): Promise<void>;
  /** Tells whoever listens of each action that has ended. */
  onEnded(listener: (action: Action) => void): void;
  /** Its events behind `after`, each as it happens, until its end. Refuses with `action_not_found`, `limit_reached`. */
  follow(actor: Actor, id: ActionId, after: number, signal: AbortSignal): Promise<AsyncIterable<ActionEvent>>;
  /** The device that asked is told of events so far. Refuses with `action_not_found`, `limit_reached`, `rate_limited`. */
  takeCredit(actor: DeviceActor, id: ActionId, credit: EventCredit): Promise<void>;
  /**
   * The device that is asked says what became of it; resolves when it is kept. A report that was taken is taken again without a
   * change. Refuses with `action_not_found`, `action_over`, `action_out_of_order`.
   */
  report(device: ActingDevice, id: ActionId, report: Report): Promise<void>;
  /** A device that knows commands only answers one of the server's; what is no action is nothing. */
  answered(device: ActingDevice, commandId: string, end: ActionEnd): Promise<void>;
  /** A device can be told something in a network. Resolves when its queue was looked up, or will be later. */
  sessionBegan(deviceId: DeviceId, networkId: NetworkId): Promise<void>;
  /** A device has no connection any more: it is told nothing of what it asked for. */
  disconnected(deviceId: DeviceId): void;
  /** A device has left a network: its actions there are gone. */
  left(deviceId: DeviceId, networkId: NetworkId): void;
  /** Ends actions whose time is over. */
  expire(): Promise<void>;
  /** Removes actions that ended long ago. */
  forget(): Promise<void>;
  /** Nobody follows any more, and what could not be given is not tried again. */
  stopFollowing(): void;
}

/** Builds the service. */
export function createActionService(dependencies: ActionDependencies): ActionService {
  return new Actions(dependencies);
}

type Side = AccountActor | DeviceActor;

class Actions implements ActionService {
  readonly #dependencies: ActionDependencies;
  readonly #readers: ActionReaders;
  readonly #asking: AskingDevices;
  readonly #queues: DeviceQueues;
  readonly #report: (report: ReportOf) => Promise<ReportOutcome | null>;
  readonly #queueOf: (device: Pick<ActingDevice, 'networkId' | 'deviceId'>) => Promise<TenantId | null>;
  /** When the time of an action may be over; at first nobody knows what an earlier server left. */
  #lookAtMs = 0;
  readonly #endListeners: ((action: Action) => void)[] = [];

  constructor(dependencies: ActionDependencies) {
    const { store, clock } = dependencies;
    this.#dependencies = dependencies;
    this.#readers = new ActionReaders(store);
    this.#asking = new AskingDevices(this.#readers, dependencies);
    this.#queues = new DeviceQueues(dependencies, async (action, end) => {
      await this.#end(action, end);
    });
    this.#report = gather(
      (reports: readonly ReportOf[]) => store.report(reports, clock.nowMs()),
      REPORTS_TOGETHER_MAX,
    );
    this.#queueOf = gather(
      (devices: readonly Pick<ActingDevice, 'networkId' | 'deviceId'>[]) => store.findQueues(devices),
      QUEUES_TOGETHER_MAX,
    );
  }

  async ask(actor: Actor, asked: AskedAction) {
    const kept = await askFor(this.#dependencies, this.#queues, sideOf(actor, 'devices.command'), asked);
    this.#lookAtMs = Math.min(this.#lookAtMs, kept.action.deadlineAtMs);
    return kept;
  }

  async get(actor: Actor, id: ActionId): Promise<Action> {
    return this.#find(sideOf(actor, 'devices.read'), id);
  }

  async list(
    actor: Actor,
    filter: ActionFilter,
    after: ListPosition<ActionId> | null,
    limit: number,
  ): Promise<Page<Action, ListPosition<ActionId>>> {
    const { store, networks } = this.#dependencies;
    const account = requirePermission(actor, 'devices.read');
    if (filter.networkId !== null) await networks.getNetwork(account, filter.networkId);
    return pageOf(await store.list(account, filter, after, limit + 1), limit, byCreation);
  }

  async cancel(actor: Actor, id: ActionId): Promise<Action> {
    const action = await this.#find(sideOf(actor, 'devices.command'), id);
    const ended = await this.#end(action, { state: 'cancelled', error: null, values: {} });
    if (ended === null) throw actionError('action_over');
    return ended;
  }

  async stop(key: ActionKey): Promise<void> {
    await this.#end(key, { state: 'cancelled', error: null, values: {} });
  }

  onEnded(listener: (action: Action) => void): void {
    this.#endListeners.push(listener);
  }

  async follow(actor: Actor, id: ActionId, after: number, signal: AbortSignal) {
    const side = sideOf(actor, 'devices.read');
    const action = await this.#find(side, id);
    const principal = {
      id: side.kind === 'account' ? side.accountId : side.deviceId,
      tenantId: side.tenantId,
    };
    this.#readers.requireRoom(principal);
    return this.#readers.read(action, principal, after, signal);
  }

  async takeCredit(actor: DeviceActor, id: ActionId, credit: EventCredit): Promise<void> {
    this.#asking.take(actor, await this.#find(actor, id), credit);
  }

  async report(device: ActingDevice, id: ActionId, report: Report): Promise<void> {
    const outcome = await this.#report({ device, id, report });
    switch (outcome?.kind) {
      case undefined:
        throw notFound('action');
      case 'over':
        throw actionError('action_over');
      case 'gap':
        throw actionError('action_out_of_order');
      case 'taken':
        this.#happened(outcome.action);
    }
  }

  async answered(device: ActingDevice, commandId: string, end: ActionEnd): Promise<void> {
    const id = await this.#dependencies.store.findByCommand(device, commandId);
    if (id === null) return;
    const outcome = await this.#report({
      device,
      id,
      report: { number: null, change: { kind: 'end', ...end } },
    });
    if (outcome?.kind === 'taken') this.#happened(outcome.action);
  }

  async sessionBegan(deviceId: DeviceId, networkId: NetworkId): Promise<void> {
    const device = { networkId, deviceId };
    try {
      const tenantId = await this.#queueOf(device);
      if (tenantId !== null) this.#queues.sessionBegan({ tenantId, ...device });
    } catch (error) {
      this.#queues.tryAgain(device, error, () => void this.sessionBegan(deviceId, networkId));
    }
  }

  disconnected(deviceId: DeviceId): void {
    this.#asking.disconnected(deviceId);
  }

  left(deviceId: DeviceId, networkId: NetworkId): void {
    this.#readers.left({ deviceId, networkId });
  }

  async expire(): Promise<void> {
    const { store, clock } = this.#dependencies;
    const nowMs = clock.nowMs();
    if (nowMs < this.#lookAtMs) return;
    // Set before it is read: who asks meanwhile moves it.
    this.#lookAtMs = nowMs + LOOK_INTERVAL_MS;
    try {
      for (let isMore = true; isMore; ) {
        const expired = await store.listExpired(nowMs, EXPIRED_TOGETHER_MAX);
        for (const key of expired) await this.#end(key, { state: 'timed_out', error: null, values: {} });
        isMore = expired.length === EXPIRED_TOGETHER_MAX;
      }
      this.#lookAtMs = Math.min(this.#lookAtMs, (await store.nextOverAtMs()) ?? this.#lookAtMs);
    } catch (error) {
      this.#lookAtMs = 0;
      throw error;
    }
  }

  async forget(): Promise<void> {
    const { store, clock } = this.#dependencies;
    const beforeMs = clock.nowMs() - ENDED_KEPT_MS;
    while ((await store.removeEnded(beforeMs, REMOVED_TOGETHER_MAX)) === REMOVED_TOGETHER_MAX);
  }

  stopFollowing(): void {
    this.#asking.close();
    this.#readers.close();
    this.#queues.close();
  }

  async #find(side: Side, id: ActionId): Promise<Action> {
    const action = await this.#dependencies.store.find(side, id);
    if (action === null) throw notFound('action');
    return action;
  }

  /** Ends an action from here; null: it was over. Its device is told to stop, if it has it. */
  async #end(key: Pick<Action, 'tenantId' | 'id'>, end: ActionEnd): Promise<Action | null> {
    const { store, outlet, clock } = this.#dependencies;
    const ended = await store.end(key, end, clock.nowMs());
    if (ended === null) return null;
    if (isGiven(ended.before)) outlet.cancel(ended.action);
    this.#happened(ended.action);
    return ended.action;
  }

  /** It is kept: who reads is told, and a device that has ended something has a place. */
  #happened(action: Action): void {
    this.#readers.happened(action);
    if (action.endedAtMs === null) return;
    this.#dependencies.metrics.ended(action.state);
    this.#queues.ended(action);
    for (const listener of this.#endListeners) listener(action);
  }
}

/** A device asks for itself; a user as its role allows. */
function sideOf(actor: Actor, permission: 'devices.read' | 'devices.command'): Side {
  return actor.kind === 'device'
    ? requirePermission(actor, 'frames.send')
    : requirePermission(actor, permission);
}
