import type { ErrorCodeName } from '../../../proto/index.ts';
import type { AccountId, ActionId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';

/** How an action stands: it waits for its device, was given to it, was begun; the others are ends. */
export const ACTION_STATES = [
  'queued',
  'sent',
  'begun',
  'done',
  'failed',
  'refused',
  'timed_out',
  'cancelled',
  'unknown',
] as const;
export type ActionState = (typeof ACTION_STATES)[number];
/** `refused`: it was not begun. `unknown`: the device can't know whether it was carried out. */
export type EndState = Exclude<ActionState, 'queued' | 'sent' | 'begun'>;

/** Who asks. */
export type Asker =
  | { readonly kind: 'account'; readonly id: AccountId }
  | { readonly kind: 'device'; readonly id: DeviceId };

/** Which action. `tenantId` owns the network. */
export interface ActionKey {
  readonly tenantId: TenantId;
  readonly id: ActionId;
}

/** A device in a network. `tenantId` owns the network. */
export interface ActingDevice {
  readonly tenantId: TenantId;
  readonly networkId: NetworkId;
  readonly deviceId: DeviceId;
}

/** Why an action has not succeeded. */
export interface ActionError {
  readonly code: ErrorCodeName;
  readonly message: string;
}

/** How far it is. */
export interface ActionProgress {
  /** 0 to 1; null: not known. */
  readonly fraction: number | null;
  readonly text: string;
}

/** How an action ended. */
export interface ActionEnd {
  readonly state: EndState;
  readonly error: ActionError | null;
  readonly values: JsonObject;
}

/** What a device was asked to do, and what has become of it. */
export interface Action extends ActionKey, ActingDevice {
  readonly askedBy: Asker;
  /** Devices one after another that asked in the course of another's action, the first one first. */
  readonly chain: readonly DeviceId[];
  readonly name: string;
  readonly arguments: JsonObject;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly state: ActionState;
  readonly progress: ActionProgress | null;
  readonly values: JsonObject;
  readonly error: ActionError | null;
  readonly createdAtMs: number;
  readonly deadlineAtMs: number;
  readonly sentAtMs: number | null;
  readonly begunAtMs: number | null;
  readonly endedAtMs: number | null;
  /** It is in the network's stream as a command, which comes to the device by itself. */
  readonly isInStream: boolean;
  /** The id of that command. */
  readonly commandId: string;
  /** The number of the last event. */
  readonly lastEvent: number;
  /** The number of the device's last report. */
  readonly lastReport: number;
  /** Bytes of all parts of the result. */
  readonly resultBytes: number;
}

/** What happened to an action. */
export type ActionChange =
  | { readonly kind: 'begun' }
  | ({ readonly kind: 'progress' } & ActionProgress)
  | { readonly kind: 'chunk'; readonly content: Uint8Array }
  | ({ readonly kind: 'end' } & ActionEnd);

/** The same as it is kept; numbers begin with 1 and have no gaps. */
export type ActionEvent = ActionChange & { readonly number: number; readonly atMs: number };

/** What a device says of an action. `number` null: it doesn't count, and says only the end. */
export interface Report {
  readonly number: number | null;
  readonly change: ActionChange;
}

/** What is asked for. */
export interface AskedAction {
  readonly deviceId: DeviceId;
  /** Null: in the first network of the device that the actor sees. A device names the one that it asks in, and its owner. */
  readonly networkId: NetworkId | null;
  readonly networkTenantId: TenantId | null;
  /** Null: a new one. */
  readonly id: ActionId | null;
  readonly name: string;
  readonly arguments: JsonObject;
  readonly priority: number;
  readonly timeoutMs: number;
  /** When that time is over; absent: counted from now. */
  readonly deadlineAtMs?: number;
  /** The action in whose course it is asked for. */
  readonly causeId: ActionId | null;
}

/** How much of what happens an asking device takes. */
export interface EventCredit {
  /** It has every event up to this one. */
  readonly received: number;
  /** It takes those up to this one. */
  readonly until: number;
  /** What was sent behind `received` is lost. */
  readonly resume: boolean;
  /** The action was kept just now: nothing of it was ever sent. */
  readonly isFirst: boolean;
}
