import { DEVICE_OPEN_MAX, DEVICE_RUNNING_MAX, TENANT_OPEN_MAX } from '../../server/domains/actions/limits.ts';
import type { ActionStore, ActionToKeep, KeepOutcome, ReportOf } from '../../server/domains/actions/ports.ts';
import {
  happened,
  isGiven,
  isOpen,
  type ReportOutcome,
  takeReport,
} from '../../server/domains/actions/rules.ts';
import type {
  ActingDevice,
  Action,
  ActionEnd,
  ActionEvent,
  ActionKey,
} from '../../server/domains/actions/types.ts';
import type { ActionId } from '../../server/kernel/ids.ts';

const keyOf = ({ tenantId, id }: ActionKey) => `${tenantId} ${id}`;
const isOf = ({ networkId, deviceId }: Pick<ActingDevice, 'networkId' | 'deviceId'>, action: Action) =>
  action.networkId === networkId && action.deviceId === deviceId;
const isSame = (a: Pick<Action, 'name' | 'arguments' | 'deviceId'>, b: typeof a) =>
  a.name === b.name &&
  a.deviceId === b.deviceId &&
  JSON.stringify(a.arguments) === JSON.stringify(b.arguments);

/** Actions in memory, by the real rules, without a database. It outlives the services that use it. */
export class MemoryActions {
  readonly actions = new Map<string, Action>();
  readonly eventsOf = new Map<string, ActionEvent[]>();
  /** How often each action came to an end. */
  readonly ends = new Map<string, number>();

  /** A way to it, as one run of a server has it; `false` from `isUp`: nothing of it reaches the database any more. */
  store(isUp: () => boolean): ActionStore {
    return new MemoryStore(this, isUp);
  }

  all(): Action[] {
    return [...this.actions.values()];
  }

  keep(action: Action): Action {
    this.actions.set(keyOf(action), action);
    return action;
  }

  changed(action: Action, event: ActionEvent | null): void {
    const key = keyOf(action);
    this.keep(action);
    if (event !== null) this.eventsOf.set(key, [...(this.eventsOf.get(key) ?? []), event]);
    if (!isOpen(action.state)) this.ends.set(key, (this.ends.get(key) ?? 0) + 1);
  }
}

class MemoryStore implements ActionStore {
  readonly #kept: MemoryActions;
  readonly #isUp: () => boolean;

  constructor(kept: MemoryActions, isUp: () => boolean) {
    this.#kept = kept;
    this.#isUp = isUp;
  }

  async keep(action: ActionToKeep, isConnected: boolean): Promise<KeepOutcome> {
    const all = await this.#all();
    const known = this.#kept.actions.get(keyOf(action));
    if (known !== undefined)
      return isSame(known, action) ? { kind: 'known', action: known } : { kind: 'taken' };
    const open = all.filter(({ state }) => isOpen(state));
    const ofDevice = open.filter((each) => isOf(action, each));
    if (open.length >= TENANT_OPEN_MAX || ofDevice.length >= DEVICE_OPEN_MAX) return { kind: 'full' };
    const given = ofDevice.filter(({ state }) => isGiven(state));
    const isSent = isConnected && given.length < DEVICE_RUNNING_MAX && given.length === ofDevice.length;
    const how = isSent ? ({ state: 'sent', sentAtMs: action.createdAtMs } as const) : BEGINNING;
    return { kind: 'new', action: this.#kept.keep({ ...action, ...BEGINNING, ...how }) };
  }

  async mayAsk(): Promise<boolean> {
    return true;
  }

  async find(_: unknown, id: ActionId): Promise<Action | null> {
    return (await this.#all()).find((action) => action.id === id) ?? null;
  }

  list(): Promise<readonly Action[]> {
    return this.#all();
  }

  async findGiven(device: ActingDevice, id: ActionId): Promise<Action | null> {
    return (await this.listGiven(device)).find((each) => each.id === id) ?? null;
  }

  async findByCommand(device: ActingDevice, commandId: string): Promise<ActionId | null> {
    const isIt = (each: Action) => isOf(device, each) && each.commandId === commandId;
    return (await this.#all()).find(isIt)?.id ?? null;
  }

  async findQueues(devices: readonly Pick<ActingDevice, 'networkId' | 'deviceId'>[]) {
    const open = (await this.#all()).filter(({ state }) => isOpen(state));
    return devices.map((device) => open.find((each) => isOf(device, each))?.tenantId ?? null);
  }

  async listGiven(device: ActingDevice): Promise<readonly Action[]> {
    return (await this.#all()).filter((each) => isOf(device, each) && isGiven(each.state));
  }

  async claim(device: ActingDevice, nowMs: number): Promise<readonly Action[]> {
    const ofDevice = (await this.#all()).filter((each) => isOf(device, each));
    const places = DEVICE_RUNNING_MAX - ofDevice.filter(({ state }) => isGiven(state)).length;
    const first = ofDevice
      .filter(({ state, deadlineAtMs }) => state === 'queued' && deadlineAtMs > nowMs)
      .sort((a, b) => b.priority - a.priority || a.createdAtMs - b.createdAtMs)
      .slice(0, Math.max(0, places));
    return first.map((action) => this.#kept.keep({ ...action, state: 'sent', sentAtMs: nowMs }));
  }

  async noteInStream(): Promise<void> {
    await this.#all();
  }

  async report(reports: readonly ReportOf[], nowMs: number): Promise<(ReportOutcome | null)[]> {
    await this.#all();
    return reports.map(({ device, id, report }) => {
      const action = this.#kept.actions.get(keyOf({ tenantId: device.tenantId, id }));
      if (action === undefined || !isOf(device, action) || action.sentAtMs === null) return null;
      const outcome = takeReport(action, report, nowMs);
      if (outcome.kind === 'taken') this.#kept.changed(outcome.action, outcome.event);
      return outcome;
    });
  }

  async end(key: ActionKey, end: ActionEnd, nowMs: number) {
    await this.#all();
    const before = this.#kept.actions.get(keyOf(key));
    if (before === undefined || !isOpen(before.state)) return null;
    const { action, event } = happened(before, { kind: 'end', ...end }, nowMs);
    this.#kept.changed(action, event);
    return { action, before: before.state };
  }

  async events(key: ActionKey, after: number, limit: number): Promise<readonly ActionEvent[]> {
    await this.#all();
    return (this.#kept.eventsOf.get(keyOf(key)) ?? []).filter(({ number }) => number > after).slice(0, limit);
  }

  async listExpired(nowMs: number, limit: number): Promise<readonly ActionKey[]> {
    const isOver = ({ state, deadlineAtMs }: Action) => isOpen(state) && deadlineAtMs <= nowMs;
    return (await this.#all()).filter(isOver).slice(0, limit);
  }

  async nextOverAtMs(): Promise<number | null> {
    const open = (await this.#all()).filter(({ state }) => isOpen(state));
    return open.length === 0 ? null : Math.min(...open.map(({ deadlineAtMs }) => deadlineAtMs));
  }

  async removeEnded(): Promise<number> {
    await this.#all();
    return 0;
  }

  /** What is kept, in a later turn, as a database answers. */
  async #all(): Promise<Action[]> {
    await Promise.resolve();
    if (!this.#isUp()) throw new Error('the server was killed');
    return this.#kept.all();
  }
}

const BEGINNING = {
  state: 'queued',
  sentAtMs: null,
  progress: null,
  values: {},
  error: null,
  begunAtMs: null,
  endedAtMs: null,
  isInStream: false,
  lastEvent: 0,
  lastReport: 0,
  resultBytes: 0,
} as const;
