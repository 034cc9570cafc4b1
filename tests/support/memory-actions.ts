import {
  DEVICE_OPEN_MAX,
  DEVICE_RUNNING_MAX,
  TENANT_OPEN_MAX,
} from '../../server/domains/actions/limits.ts';
import type { ActionStore } from '../../server/domains/actions/ports.ts';
import { happened, isGiven, isOpen, takeReport } from '../../server/domains/actions/rules.ts';
import type { ActingDevice, Action, ActionEvent, ActionKey } from '../../server/domains/actions/types.ts';

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
    const reached = async () => {
      await Promise.resolve();
      if (!isUp()) throw new Error('the server was killed');
    };
    const all = () => [...this.actions.values()];
    return {
      keep: async (action, isConnected) => {
        await reached();
        const known = this.actions.get(keyOf(action));
        if (known !== undefined)
          return isSame(known, action) ? { kind: 'known', action: known } : { kind: 'taken' };
        const open = all().filter(({ state }) => isOpen(state));
        const ofDevice = open.filter((each) => isOf(action, each));
        if (open.length >= TENANT_OPEN_MAX || ofDevice.length >= DEVICE_OPEN_MAX) return { kind: 'full' };
        const given = ofDevice.filter(({ state }) => isGiven(state));
        const isSent = isConnected && given.length < DEVICE_RUNNING_MAX && given.length === ofDevice.length;
        const kept: Action = {
          ...action,
          ...BEGINNING,
          state: isSent ? 'sent' : 'queued',
          sentAtMs: isSent ? action.createdAtMs : null,
        };
        this.actions.set(keyOf(kept), kept);
        return { kind: 'new', action: kept };
      },
      find: async (_, id) => {
        await reached();
        return all().find((action) => action.id === id) ?? null;
      },
      list: async () => {
        await reached();
        return all();
      },
      findGiven: async (device, id) => {
        await reached();
        return all().find((each) => each.id === id && isOf(device, each) && isGiven(each.state)) ?? null;
      },
      findQueues: async (devices) => {
        await reached();
        return devices.map(
          (device) => all().find((each) => isOf(device, each) && isOpen(each.state))?.tenantId ?? null,
        );
      },
      listGiven: async (device) => {
        await reached();
        return all().filter((each) => isOf(device, each) && isGiven(each.state));
      },
      claim: async (device, nowMs) => {
        await reached();
        const ofDevice = all().filter((each) => isOf(device, each));
        const places = DEVICE_RUNNING_MAX - ofDevice.filter(({ state }) => isGiven(state)).length;
        const first = ofDevice
          .filter(({ state, deadlineAtMs }) => state === 'queued' && deadlineAtMs > nowMs)
          .sort((a, b) => b.priority - a.priority || a.createdAtMs - b.createdAtMs)
          .slice(0, Math.max(0, places));
        return first.map((action) => this.#keep({ ...action, state: 'sent', sentAtMs: nowMs }));
      },
      noteInStream: async () => reached(),
      report: async (reports, nowMs) => {
        await reached();
        return reports.map(({ device, id, report }) => {
          const action = this.actions.get(keyOf({ tenantId: device.tenantId, id }));
          if (action === undefined || !isOf(device, action) || action.sentAtMs === null) return null;
          const outcome = takeReport(action, report, nowMs);
          if (outcome.kind === 'taken') this.#changed(outcome.action, outcome.event);
          return outcome;
        });
      },
      end: async (key, end, nowMs) => {
        await reached();
        const before = this.actions.get(keyOf(key));
        if (before === undefined || !isOpen(before.state)) return null;
        const { action, event } = happened(before, { kind: 'end', ...end }, nowMs);
        this.#changed(action, event);
        return { action, before: before.state };
      },
      events: async (key, after, limit) => {
        await reached();
        return (this.eventsOf.get(keyOf(key)) ?? []).filter(({ number }) => number > after).slice(0, limit);
      },
      listExpired: async (nowMs, limit) => {
        await reached();
        return all()
          .filter(({ state, deadlineAtMs }) => isOpen(state) && deadlineAtMs <= nowMs)
          .slice(0, limit);
      },
      nextOverAtMs: async () => {
        await reached();
        const open = all().filter(({ state }) => isOpen(state));
        return open.length === 0 ? null : Math.min(...open.map(({ deadlineAtMs }) => deadlineAtMs));
      },
      removeEnded: async () => {
        await reached();
        return 0;
      },
    };
  }

  #keep(action: Action): Action {
    this.actions.set(keyOf(action), action);
    return action;
  }

  #changed(action: Action, event: ActionEvent | null): void {
    const key = keyOf(action);
    this.#keep(action);
    if (event !== null) this.eventsOf.set(key, [...(this.eventsOf.get(key) ?? []), event]);
    if (!isOpen(action.state)) this.ends.set(key, (this.ends.get(key) ?? 0) + 1);
  }
}

const BEGINNING = {
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
