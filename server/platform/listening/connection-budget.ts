import type { Clock } from '../../kernel/clock.ts';
import { Groups } from '../../kernel/groups.ts';
import type { Logger } from '../../kernel/logger.ts';
import { addressGroup } from '../../kernel/network-address.ts';
import {
  ADDRESS_PART,
  DEVICE_CONNECTIONS_MAX,
  HTTP_PART,
  HTTP_TIGHT_PART,
  REPORT_INTERVAL_MS,
  TENANT_TIMES_FREE,
  TIGHT_PART,
} from './limits.ts';

export const PROTOCOLS = ['http', 'websocket', 'mqtt'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Why a connection was cut or refused, or a request over HTTP refused. */
export const CUT_REASONS = ['all', 'http', 'address', 'device', 'account', 'tenant', 'descriptors'] as const;
export type CutReason = (typeof CUT_REASONS)[number];

/** A connection that can be cut. */
export interface Incoming {
  readonly protocol: Exclude<Protocol, 'http'>;
  /** The client's. Limits count IPv6 by network. */
  readonly remoteAddress: string;
  /** Who is connected, where that is a proxy of the client's. */
  readonly peerAddress?: string;
  /** Ends it at once. Called at most once, and not after `leave`. */
  cut(): void;
}

/** Who a connection turned out to be from. */
export interface ConnectionOwner {
  readonly deviceId: string;
  readonly tenantId: string;
}

/** A connection that was let in. */
export interface ConnectionPlace {
  /** It has said who it is. Where its device or its tenant then have too many, their oldest is cut. */
  belongsTo(owner: ConnectionOwner): void;
  /** It is over. */
  leave(): void;
}

/**
 * How many connections there may be, whatever they speak, so that the process never runs out of descriptors: it then can't
 * even accept a connection to refuse it, and a listener that can't accept turns in circles.
 */
export interface ConnectionBudget {
  /** Lets a connection in; where there is no room, the oldest that hasn't said who it is goes first. Null: there is none. */
  admit(incoming: Incoming): ConnectionPlace | null;
  /**
   * The same for HTTP, whose connections can't be cut by the library. False: there is no room. Those of a trusted proxy are of
   * many clients: only their number is bounded, not by address.
   */
  admitHttp(peerAddress: string, isProxy?: boolean): boolean;
  /** An HTTP connection closed. */
  leaveHttp(): void;
  /** An HTTP connection has become a WebSocket: it is in already. */
  upgrade(incoming: Incoming): ConnectionPlace;
  /**
   * How many HTTP connections and WebSockets each address has; what is let in later is added, and nothing taken away. To be
   * told often: with nothing while `isHttpCrowded` is false, which forgets what has closed meanwhile.
   */
  learnAddresses(counts: ReadonlyMap<string, number>): void;
  /** Lets nobody in until `resume`: the process has no descriptors left. */
  rest(): void;
  resume(): void;
  /** Something was refused for its number by another part of the server: for metrics and the log. */
  refused(protocol: Protocol, reason: CutReason): void;
  /** True while `learnAddresses` should be told what there is. */
  readonly isHttpCrowded: boolean;
  /** True while HTTP connections should end with their next answer. */
  readonly isTight: boolean;
  readonly connectionsMax: number;
  /** How many there are. */
  count(protocol: Protocol): number;
}

export interface ConnectionBudgetDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A connection was cut or refused, for metrics. */
  readonly cut: (protocol: Protocol, reason: CutReason) => void;
}

/** Builds the budget that all listeners share. */
export function createConnectionBudget(
  options: { readonly connectionsMax: number },
  dependencies: ConnectionBudgetDependencies,
): ConnectionBudget {
  return new Budget(options.connectionsMax, dependencies);
}

class Budget implements ConnectionBudget {
  readonly connectionsMax: number;
  readonly #dependencies: ConnectionBudgetDependencies;
  readonly #open: Record<Protocol, number> = { http: 0, websocket: 0, mqtt: 0 };
  /** The oldest first. */
  readonly #unknown = new Set<Place>();
  readonly #byAddress = new Groups<string, Place>();
  readonly #byDevice = new Groups<string, Place>();
  readonly #byTenant = new Groups<string, Place>();
  #httpByAddress = new Map<string, number>();
  readonly #webSocketsByPeer = new Map<string, number>();
  #rests = false;
  /** Since the last line in the log; null: there was none for a while. */
  #unreported: Partial<Record<CutReason, number>> | null = null;

  constructor(connectionsMax: number, dependencies: ConnectionBudgetDependencies) {
    this.connectionsMax = connectionsMax;
    this.#dependencies = dependencies;
  }

  get isTight(): boolean {
    const { connectionsMax } = this;
    return this.isHttpCrowded || this.#total > connectionsMax * TIGHT_PART;
  }

  get isHttpCrowded(): boolean {
    return this.#open.http > this.connectionsMax * HTTP_TIGHT_PART;
  }

  get #total(): number {
    return this.#open.http + this.#open.websocket + this.#open.mqtt;
  }

  /** Connections that have said who they are. */
  get #known(): number {
    return this.#open.websocket + this.#open.mqtt - this.#unknown.size;
  }

  count(protocol: Protocol): number {
    return this.#open[protocol];
  }

  admit(incoming: Incoming): ConnectionPlace | null {
    const refusal = this.#refusal();
    if (refusal === null) return this.#enter(incoming);
    this.#note(incoming.protocol, refusal);
    return null;
  }

  admitHttp(peerAddress: string, isProxy = false): boolean {
    const group = addressGroup(peerAddress);
    const fromThere = this.#httpByAddress.get(group) ?? 0;
    const refusal: CutReason | null =
      this.#open.http >= this.connectionsMax * HTTP_PART
        ? 'http'
        : !isProxy && fromThere >= this.connectionsMax * HTTP_PART * ADDRESS_PART
          ? 'address'
          : this.#refusal();
    if (refusal !== null) {
      this.#note('http', refusal);
      return false;
    }
    this.#open.http++;
    this.#httpByAddress.set(group, fromThere + 1);
    return true;
  }

  leaveHttp(): void {
    this.#open.http--;
  }

  upgrade(incoming: Incoming): ConnectionPlace {
    this.leaveHttp();
    add(this.#httpByAddress, peerGroupOf(incoming), -1);
    return this.#enter(incoming);
  }

  learnAddresses(counts: ReadonlyMap<string, number>): void {
    this.#httpByAddress = new Map();
    for (const [address, connections] of counts) add(this.#httpByAddress, addressGroup(address), connections);
    for (const [group, sockets] of this.#webSocketsByPeer) add(this.#httpByAddress, group, -sockets);
  }

  rest(): void {
    this.#rests = true;
  }

  resume(): void {
    this.#rests = false;
  }

  refused(protocol: Protocol, reason: CutReason): void {
    this.#note(protocol, reason);
  }

  #enter(incoming: Incoming): Place {
    const place = new Place(incoming, this);
    this.#open[incoming.protocol]++;
    this.#countWebSocket(incoming, 1);
    this.#unknown.add(place);
    this.#byAddress.add(place.addressGroup, place);
    this.#trim(this.#byAddress, place.addressGroup, this.connectionsMax * ADDRESS_PART, 'address');
    return place;
  }

  /** Makes room, or says why there is none: every place is taken by somebody who is known, or by HTTP. */
  #refusal(): CutReason | null {
    if (this.#rests) return 'descriptors';
    if (this.#total < this.connectionsMax) return null;
    const [oldest] = this.#unknown;
    if (oldest === undefined) return 'all';
    this.#cut(oldest, 'all');
    return null;
  }

  /** Cuts the oldest of a group that has too many. */
  #trim(groups: Groups<string, Place>, key: string, most: number, reason: CutReason): void {
    const oldest = groups.first(key);
    if (oldest !== undefined && groups.countOf(key) > most) this.#cut(oldest, reason);
  }

  #cut(place: Place, reason: CutReason): void {
    this.#note(place.incoming.protocol, reason);
    this.leave(place);
    place.incoming.cut();
  }

  identify(place: Place, owner: ConnectionOwner): void {
    if (!this.#unknown.delete(place)) return;
    this.#byAddress.remove(place.addressGroup, place);
    place.owner = owner;
    this.#byDevice.add(owner.deviceId, place);
    this.#byTenant.add(owner.tenantId, place);
    this.#trim(this.#byDevice, owner.deviceId, DEVICE_CONNECTIONS_MAX, 'device');
    // Those of strangers and over HTTP count as free: who is known doesn't go for their sake.
    const free = this.connectionsMax - this.#known;
    const most = Math.max(free * TENANT_TIMES_FREE, DEVICE_CONNECTIONS_MAX);
    this.#trim(this.#byTenant, owner.tenantId, most, 'tenant');
  }

  leave(place: Place): void {
    if (place.left) return;
    place.left = true;
    const { incoming, owner } = place;
    this.#open[incoming.protocol]--;
    this.#countWebSocket(incoming, -1);
    if (owner === null) {
      this.#unknown.delete(place);
      this.#byAddress.remove(place.addressGroup, place);
      return;
    }
    this.#byDevice.remove(owner.deviceId, place);
    this.#byTenant.remove(owner.tenantId, place);
  }

  #countWebSocket(incoming: Incoming, change: number): void {
    if (incoming.protocol === 'websocket') add(this.#webSocketsByPeer, peerGroupOf(incoming), change);
  }

  /** Counts, and writes a line at once and then at most one an interval, with the numbers by reason. */
  #note(protocol: Protocol, reason: CutReason): void {
    this.#dependencies.cut(protocol, reason);
    if (this.#unreported !== null) {
      this.#unreported[reason] = (this.#unreported[reason] ?? 0) + 1;
      return;
    }
    this.#report({ [reason]: 1 });
  }

  #report(cut: Partial<Record<CutReason, number>>): void {
    this.#unreported = {};
    this.#dependencies.logger.warn(
      { code: 'rate_limited', cut, open: { ...this.#open }, connectionsMax: this.connectionsMax },
      'connections were cut or refused',
    );
    this.#dependencies.clock.after(REPORT_INTERVAL_MS, () => {
      const since = this.#unreported ?? {};
      this.#unreported = null;
      if (Object.keys(since).length > 0) this.#report(since);
    });
  }
}

/** Under what the system counts a connection: by who is connected. */
function peerGroupOf({ remoteAddress, peerAddress = remoteAddress }: Incoming): string {
  return addressGroup(peerAddress);
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

class Place implements ConnectionPlace {
  readonly incoming: Incoming;
  readonly addressGroup: string;
  readonly #budget: Budget;
  owner: ConnectionOwner | null = null;
  left = false;

  constructor(incoming: Incoming, budget: Budget) {
    this.incoming = incoming;
    this.addressGroup = addressGroup(incoming.remoteAddress);
    this.#budget = budget;
  }

  belongsTo(owner: ConnectionOwner): void {
    this.#budget.identify(this, owner);
  }

  leave(): void {
    this.#budget.leave(this);
  }
}
