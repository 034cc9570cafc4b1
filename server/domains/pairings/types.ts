import type { Actor } from '../../kernel/actor.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** What became of a question whether one device may send to another. `expired`: it was allowed until a time that is over. */
export const PAIR_STATES = ['asked', 'allowed', 'denied', 'timed_out', 'closed', 'used', 'expired'] as const;
export type PairState = (typeof PAIR_STATES)[number];

/** Which devices of a network are connected without asking: all; those of one owner; none. */
export const STANDING_RULES = ['open', 'guests_ask', 'ask'] as const;
export type StandingRule = (typeof STANDING_RULES)[number];

/** Who decided: the standing rule, the asked device, or its owner. */
export type Decider = 'rule' | 'device' | 'owner';

/** What may be sent. */
export interface Permission {
  /** Names of commands and events, or `area.*`; null: anything. */
  readonly operations: readonly string[] | null;
  /** Null: without an end. */
  readonly untilMs: number | null;
  /** True: one frame. */
  readonly once: boolean;
}

/** Two devices of a network, one of which asked to send to the other. */
export interface Pairing {
  readonly id: string;
  readonly networkId: NetworkId;
  /** Who owns the network. */
  readonly tenantId: TenantId;
  readonly sourceId: DeviceId;
  readonly sourceTenantId: TenantId;
  readonly targetId: DeviceId;
  readonly targetTenantId: TenantId;
  /** As it was kept: `expired` is told by the time. */
  readonly state: Exclude<PairState, 'expired'>;
  /** Which side took away what a rule would give. */
  readonly blockedBy: 'source' | 'target' | null;
  readonly decidedBy: Decider | null;
  readonly reason: string;
  /** What is asked for, and then what is allowed. */
  readonly permission: Permission;
  /** The frame that used up a permission for one. */
  readonly usedBy: string | null;
  readonly createdAtMs: number;
  /** Until when the question stays open. */
  readonly askedUntilMs: number;
  readonly decidedAtMs: number | null;
  /** Rises with each change. */
  readonly revision: number;
}

/** A question. */
export interface Ask {
  readonly networkId: NetworkId;
  readonly sourceId: DeviceId;
  readonly targetId: DeviceId;
  readonly operations: readonly string[] | null;
  readonly reason: string;
  readonly waitMs: number;
}

/** The answer to it. */
export interface Decision {
  readonly allow: boolean;
  readonly reason: string;
  /** Null: what was asked for. */
  readonly operations: readonly string[] | null;
  readonly untilMs: number | null;
  readonly once: boolean;
}

/** A pairing with what only the running server knows. */
export interface PairingView extends Omit<Pairing, 'state'> {
  readonly state: PairState;
  /** When the one of the two that was silent for longer was heard from; null: one is not connected. */
  readonly heardAtMs: number | null;
  /** `direct`: what isn't stored goes between the two without the server. */
  readonly path: 'relay' | 'direct';
  /** Over that path to the other and back, as it was measured last; null: it wasn't. */
  readonly roundTripMs: number | null;
}

/** The standing rules, by network and by device. */
export interface PairingRules {
  /** Which devices of a network are connected without asking. Refuses with `network_not_found`. */
  getRule(actor: Actor, networkId: NetworkId): Promise<StandingRule>;
  setRule(actor: Actor, networkId: NetworkId, rule: StandingRule): Promise<void>;
  /** True for a device that is asked whatever the rule says. Refuses with `device_not_found`, `device_of_other_tenant`. */
  isAsking(actor: Actor, deviceId: DeviceId): Promise<boolean>;
  setAsking(actor: Actor, deviceId: DeviceId, isAsking: boolean): Promise<void>;
}
