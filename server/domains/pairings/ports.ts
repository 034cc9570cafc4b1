import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { Random } from '../../kernel/random.ts';
import type { DeviceService } from '../devices/index.ts';
import type { NetworkService } from '../networks/index.ts';
import type { Ask, Decider, Decision, Pairing, StandingRule } from './types.ts';

/** What is decided in a network, as it is read at once. */
export interface StoredRules {
  readonly networkId: NetworkId;
  /** Who owns the network; null where nobody chose a rule. */
  readonly tenantId: TenantId | null;
  readonly rule: StandingRule;
  /** Devices that are asked whatever the rule says. */
  readonly askingDevices: readonly DeviceId[];
  /** Devices of others, and whose; none where the rule doesn't ask for it. */
  readonly guests: ReadonlyMap<DeviceId, TenantId>;
  readonly pairings: readonly Pairing[];
}

/** A question as it is to be kept. */
export interface AskToKeep extends Ask {
  readonly id: string;
  readonly nowMs: number;
}

/** Which pairings a list shows; null: all. */
export interface PairingFilter {
  readonly networkId: NetworkId | null;
  /** Of which the device is a part. */
  readonly deviceId: DeviceId | null;
  readonly state: Pairing['state'] | null;
}

type Side = AccountActor | DeviceActor;

/** Where pairings are kept. */
export interface PairingStore {
  /**
   * Asks anew, unless a question is open or something is allowed: then that. `rule` true: the standing rule allows it, unless the
   * target's side took that away. Null: one of the two is not in the network, as far as who asks sees.
   */
  ask(
    actor: Side,
    ask: AskToKeep,
    byRule: boolean,
  ): Promise<{ readonly pairing: Pairing; readonly isNew: boolean } | null>;
  find(actor: Side, id: string): Promise<Pairing | null>;
  list(
    actor: AccountActor,
    filter: PairingFilter,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<readonly Pairing[]>;
  /** Decides what is open or allowed, for the target's side. Null: it isn't, or who decides isn't of that side. */
  decide(actor: Side, id: string, decision: Decision, by: Decider, nowMs: number): Promise<Pairing | null>;
  /** Ends what is open or allowed, for either side and for who sees the network. Null: it is over, or not theirs. */
  end(actor: Side, id: string, reason: string, nowMs: number): Promise<Pairing | null>;
  /** Uses up a permission for one frame, once however often. False: it was used by another one, or is not there any more. */
  use(id: string, frameId: string): Promise<boolean>;
  /** Ends questions whose time is over, `limit` at most. */
  expire(nowMs: number, limit: number): Promise<readonly Pairing[]>;
  /** When the time of the next open question is over; null: there is none. */
  nextOverAtMs(): Promise<number | null>;
  /** Removes what is over since before then and took nothing away, `limit` at most. What it removed. */
  removeOver(beforeMs: number, limit: number): Promise<readonly Pairing[]>;
  findRule(actor: AccountActor, networkId: NetworkId): Promise<StandingRule>;
  /** Sets the rule; what the rule before allowed by itself ends where the new one wouldn't. */
  setRule(actor: AccountActor, networkId: NetworkId, rule: StandingRule): Promise<void>;
  isAsking(actor: AccountActor, deviceId: DeviceId): Promise<boolean>;
  setAsking(actor: AccountActor, deviceId: DeviceId, isAsking: boolean): Promise<void>;
  /** The networks of a device, whoever they belong to. */
  networksOf(deviceId: DeviceId): Promise<readonly NetworkId[]>;
  readRules(networkIds: readonly NetworkId[]): Promise<readonly StoredRules[]>;
}

/** Who a device is, for whom it asks. */
export interface AskingIdentity {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly kind: string;
  readonly owner: string;
  /** SHA-256 of the key of its sessions; null: it has none. */
  readonly keyFingerprint: Uint8Array | null;
}

/** The way to connected devices. */
export interface PairingOutlet {
  /** Asks a device, if it is connected. */
  ask(pairing: Pairing, source: AskingIdentity): void;
  /** Tells a device how a pairing of its own stands, if it is connected. */
  tell(deviceId: DeviceId, pairing: Pairing): void;
}

/** Counts by client within an interval. */
export interface AskLimiter {
  /** Counts one more; gives the seconds to wait where it was too much, else null. */
  countAndCheck(client: string): number | null;
}

/** What the service needs. */
export interface PairingDependencies {
  readonly store: PairingStore;
  readonly devices: Pick<DeviceService, 'getDevice'>;
  readonly networks: Pick<NetworkService, 'getNetwork'>;
  readonly identities: { identify(deviceId: DeviceId): Promise<AskingIdentity | null> };
  readonly outlet: PairingOutlet;
  readonly presence: {
    heardAtMs(deviceId: DeviceId): number | null;
    roundTripMs(networkId: NetworkId, deviceId: DeviceId): number | null;
    /** The direct path between two devices; null: there is none. */
    direct(
      networkId: NetworkId,
      oneId: DeviceId,
      otherId: DeviceId,
    ): { readonly roundTripMs: number | null } | null;
  };
  /** Questions by device, */
  readonly asks: AskLimiter;
  /** and by who is asked by whom. */
  readonly disturbances: AskLimiter;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
