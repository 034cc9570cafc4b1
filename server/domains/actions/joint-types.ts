import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { AccountId, ActionId, DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Action, ActionError, ActionKey, EndState } from './types.ts';

/** How an action of several devices ended: as many as needed have done it, can't any more, or somebody ended it before. */
export const JOINT_OUTCOMES = ['done', 'failed', 'cancelled'] as const;
export type JointOutcome = (typeof JOINT_OUTCOMES)[number];

/** How many of the devices must have done it. */
export type NeededDevices = 'all' | 'any' | number;

/** What several devices are asked for as one. */
export interface AskedJoint {
  readonly networkId: NetworkId;
  readonly deviceIds: readonly DeviceId[];
  readonly need: NeededDevices;
  /** Null: a new one. */
  readonly id: ActionId | null;
  readonly name: string;
  readonly arguments: JsonObject;
  readonly priority: number;
  readonly timeoutMs: number;
}

/** One action of several devices. The key's tenant owns the network. */
export interface JointAction extends ActionKey {
  readonly networkId: NetworkId;
  readonly askerId: AccountId;
  readonly name: string;
  readonly arguments: JsonObject;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly needed: number;
  /** Null: nothing is decided. */
  readonly outcome: JointOutcome | null;
  readonly createdAtMs: number;
  readonly deadlineAtMs: number;
  readonly decidedAtMs: number | null;
  /** In the order in which the devices were named. */
  readonly parts: readonly JointPart[];
}

/** What became of it at one device. */
export interface JointPart {
  readonly deviceId: DeviceId;
  readonly actionId: ActionId;
  /** How it ended there; null: it has not. */
  readonly state: EndState | null;
  readonly error: ActionError | null;
  /** Null: the device was not asked, or it is too long ago. */
  readonly action: Action | null;
}

/** A part, and of which action. */
export interface JointPlace extends ActionKey {
  readonly deviceId: DeviceId;
  readonly networkId: NetworkId;
  readonly actionId: ActionId;
}

/** What became of keeping one. `known`: it was asked for before. */
export type KeepJointOutcome =
  | { readonly kind: 'new' | 'known'; readonly joint: JointAction }
  | { readonly kind: 'taken' }
  | { readonly kind: 'full' }
  | { readonly kind: 'gone' };

/** Where actions of several devices are kept. */
export interface JointStore {
  keep(joint: JointAction): Promise<KeepJointOutcome>;
  /** What the account may see. */
  find(actor: AccountActor, networkId: NetworkId, id: ActionId): Promise<JointAction | null>;
  /**
   * Takes over how parts have ended, and `ended` of parts that are no action, and decides what that decides. `nowMs` ends parts that
   * nobody asked for in time. Null: it isn't there.
   */
  settle(
    key: ActionKey,
    ended: readonly {
      readonly deviceId: DeviceId;
      readonly state: EndState;
      readonly error: ActionError | null;
    }[],
    nowMs: number,
  ): Promise<JointAction | null>;
  /** Ends it by the will of who asked. Null: it is decided. */
  cancel(key: ActionKey, nowMs: number): Promise<JointAction | null>;
  /** Parts that have not ended, of all tenants. */
  listOpen(): Promise<readonly JointPlace[]>;
  /** Removes those that were decided before then, and of tenants with too many the oldest. */
  removeDecided(beforeMs: number): Promise<void>;
}

/** What several devices are asked to do as one. */
export interface JointActionService {
  /**
   * Asks devices of a network. What one of them refuses is its part's end. The same id again, with the same body, gives the first one. Refuses
   * with `forbidden`, `invalid_input`, `network_not_found`, `action_id_taken`, `limit_reached`, `storage_full`.
   */
  ask(actor: Actor, asked: AskedJoint): Promise<JointAction>;
  /** Refuses with `action_not_found`. */
  get(actor: Actor, networkId: NetworkId, id: ActionId): Promise<JointAction>;
  /** Ends it at every device. Refuses with `action_not_found`, `action_over`. */
  cancel(actor: Actor, networkId: NetworkId, id: ActionId): Promise<JointAction>;
  /** An action of any kind has ended. */
  ended(action: Action): void;
  /** A device has left a network: it ends nothing there any more. */
  left(deviceId: DeviceId, networkId: NetworkId): void;
  /** Ends what an earlier server left, and what was not asked for in time. */
  expire(): Promise<void>;
  forget(): Promise<void>;
  /** What failed is not tried again. */
  close(): void;
}
