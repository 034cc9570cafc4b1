import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { ActionId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { Random } from '../../kernel/random.ts';
import type { StorageRoom } from '../../kernel/storage-room.ts';
import type { DeviceService } from '../devices/index.ts';
import type { NetworkService } from '../networks/index.ts';
import type { ReportOutcome } from './rules.ts';
import type {
  ActingDevice,
  Action,
  ActionEnd,
  ActionEvent,
  ActionKey,
  ActionState,
  Report,
} from './types.ts';

/** An action as it is to be kept. */
export type ActionToKeep = Omit<
  Action,
  | 'state'
  | 'progress'
  | 'values'
  | 'error'
  | 'sentAtMs'
  | 'begunAtMs'
  | 'endedAtMs'
  | 'isInStream'
  | 'lastEvent'
  | 'lastReport'
  | 'resultBytes'
>;

/** What became of keeping one. `known`: it was asked for before; `gone`: the device left the network meanwhile. */
export type KeepOutcome =
  | { readonly kind: 'new' | 'known'; readonly action: Action }
  | { readonly kind: 'taken' | 'full' | 'gone' };

/** Which actions a list shows; null: all. */
export interface ActionFilter {
  readonly deviceId: DeviceId | null;
  readonly networkId: NetworkId | null;
  readonly state: ActionState | null;
}

/** A report, and of which action of which device. */
export interface ReportOf {
  readonly device: ActingDevice;
  readonly id: ActionId;
  readonly report: Report;
}

/** Where actions are kept. */
export interface ActionStore {
  /** Keeps an action: given to its device at once where that is connected and has a place, else in its queue. */
  keep(action: ActionToKeep, isConnected: boolean): Promise<KeepOutcome>;
  /** True while the account that asked for the action may ask for such a one. */
  mayAsk(action: Action): Promise<boolean>;
  /** What the actor may see. */
  find(actor: AccountActor | DeviceActor, id: ActionId): Promise<Action | null>;
  list(
    actor: AccountActor,
    filter: ActionFilter,
    after: ListPosition<ActionId> | null,
    limit: number,
  ): Promise<readonly Action[]>;
  /** The action that this device was given in the network, as long as it is open. */
  findGiven(device: ActingDevice, id: ActionId): Promise<Action | null>;
  /** Gives the device of its queue what it has places for, the first of it first. */
  claim(device: ActingDevice, nowMs: number): Promise<readonly Action[]>;
  /** Who owns the network, for each device that something is open for; null for the others. */
  findQueues(
    devices: readonly Pick<ActingDevice, 'networkId' | 'deviceId'>[],
  ): Promise<readonly (TenantId | null)[]>;
  /** The action that this command to the device is; null: it is none. */
  findByCommand(device: ActingDevice, commandId: string): Promise<ActionId | null>;
  /** What the device was given and has not ended, in the order in which it was. */
  listGiven(device: ActingDevice): Promise<readonly Action[]>;
  /** The action is in the stream as a command. */
  noteInStream(key: ActionKey): Promise<void>;
  /** Takes the reports in their order, in one transaction, by `takeReport`. Null: there is no such action of this device. */
  report(reports: readonly ReportOf[], nowMs: number): Promise<readonly (ReportOutcome | null)[]>;
  /** Ends an action. Null: it is over, or not there. `before` is how it stood. */
  end(
    key: ActionKey,
    end: ActionEnd,
    nowMs: number,
  ): Promise<{ readonly action: Action; readonly before: ActionState } | null>;
  /** Events behind this number, in their order. */
  events(key: ActionKey, after: number, limit: number): Promise<readonly ActionEvent[]>;
  /** Open actions whose time is over. */
  listExpired(nowMs: number, limit: number): Promise<readonly ActionKey[]>;
  /** When the time of the next open one is over; null: there is none. */
  nextOverAtMs(): Promise<number | null>;
  /** Removes some that have ended before then, and of tenants with too many the oldest. How many. */
  removeEnded(beforeMs: number, limit: number): Promise<number>;
}

/** The way to connected devices. */
export interface ActionOutlet {
  /** True while the device can be told something in the network. */
  isConnected(device: ActingDevice): boolean;
  /**
   * Gives an action to its device, again where it may have it already. `kept`: as a command in the network's stream. `lost`: it
   * isn't connected any more, or the action isn't wanted at the moment at which it would be told. Refuses as the relay does.
   */
  give(
    action: Action,
    how: { readonly leftMs: number; readonly again: boolean; readonly isWanted: () => boolean },
  ): Promise<'told' | 'kept' | 'lost'>;
  /** Tells its device that nobody wants the action any more. */
  cancel(action: Action): void;
  /** Tells a device that asked what happened. False: it isn't connected. */
  tell(deviceId: DeviceId, action: Action, event: ActionEvent): boolean;
}

/** Who may ask whom. */
export interface ActionPermissions {
  /** Refuses with `connection_required` or `connection_limited`. The same id may be asked about again. */
  requireAllowed(asked: {
    readonly id: string;
    readonly networkId: NetworkId;
    readonly sourceId: DeviceId;
    readonly targetId: DeviceId;
    readonly name: string;
  }): Promise<void>;
}

/** What is counted. */
export interface ActionMetrics {
  ended(state: ActionState): void;
}

/** What the service needs. */
export interface ActionDependencies {
  readonly store: ActionStore;
  readonly devices: Pick<DeviceService, 'getDevice'>;
  readonly networks: Pick<NetworkService, 'getNetwork'>;
  readonly members: {
    isMember(device: { readonly networkId: NetworkId; readonly deviceId: DeviceId }): Promise<boolean>;
  };
  readonly permissions: ActionPermissions;
  readonly outlet: ActionOutlet;
  readonly room: StorageRoom;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: ActionMetrics;
}
