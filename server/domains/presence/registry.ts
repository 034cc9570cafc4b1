import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import { Groups } from '../../kernel/groups.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { PresenceLog } from './presence-log.ts';
import type { Arrival, ConnectionFilter, LiveConnection, OpenLink } from './types.ts';

/** Every connection that is open on this node. */
export interface ConnectionRegistry {
  /** Somebody is at the door: called before its credential is looked at, so that no `end` can miss it from then on. */
  arrive(): Arrival;
  /**
   * Ends every connection that matches, at once; their number. Throws InvariantError for a filter that would match
   * strangers.
   */
  end(filter: ConnectionFilter, reason: AppError): number;
  /** True while the device has a connection. */
  isOnline(deviceId: DeviceId): boolean;
  /** When a connected device was heard from last, on any of its connections; null: it has none. */
  heardAtMs(deviceId: DeviceId): number | null;
  /** What a device has open, the oldest first: how, since when, and when it was heard from; null: nobody looks. */
  linksOf(deviceId: DeviceId): readonly OpenLink[];
  /** Who owns a connected device; null: it isn't connected. */
  ownerOf(deviceId: DeviceId): TenantId | null;
  /** What those who match may has changed, and takes nothing away that they have open. */
  changed(filter: ConnectionFilter): void;
  /** Calls `hear` at every `end` and `changed` from now on, with who is meant, whatever network it names. */
  onChange(hear: (isMeant: (actor: Actor) => boolean) => void): void;
  readonly count: number;
}

/** Builds the registry. `log` hears which devices come and go. */
export function createConnectionRegistry(dependencies: {
  readonly log: Pick<PresenceLog, 'note'>;
  readonly clock: Clock;
}): ConnectionRegistry {
  return new Registry(dependencies.log, dependencies.clock);
}

/** The keys a connection is found by. */
function keysOf(actor: Actor): string[] {
  const keys = [`tenant:${actor.tenantId}`];
  if (actor.kind === 'service') return keys;
  keys.push(actor.kind === 'account' ? `account:${actor.accountId}` : `device:${actor.deviceId}`);
  keys.push(`credential:${actor.credentialId}`);
  return keys;
}

/** The keys of a filter: a connection that matches has all of them. Throws InvariantError where there are none. */
function requireKeys({
  accountId,
  deviceId,
  credentialId,
  tenantId,
}: ConnectionFilter): [string, ...string[]] {
  const keys: string[] = [];
  if (credentialId !== undefined) keys.push(`credential:${credentialId}`);
  if (accountId !== undefined) keys.push(`account:${accountId}`);
  if (deviceId !== undefined) keys.push(`device:${deviceId}`);
  if (tenantId !== undefined) keys.push(`tenant:${tenantId}`);
  const [first, ...others] = keys;
  if (first === undefined) throw new InvariantError('a filter for connections of anybody');
  return [first, ...others];
}

/** A call of `end`, kept for who arrives meanwhile. */
interface Ending {
  readonly keys: readonly string[];
  readonly networkId: NetworkId | undefined;
  readonly reason: AppError;
}

function hasAll(actor: Actor, keys: readonly string[]): boolean {
  const known = keysOf(actor);
  return keys.every((key) => known.includes(key));
}

function isMeant(connection: LiveConnection, { keys, networkId }: Ending): boolean {
  return hasAll(connection.actor, keys) && (networkId === undefined || connection.concerns(networkId));
}

class Registry implements ConnectionRegistry {
  readonly #log: Pick<PresenceLog, 'note'>;
  readonly #clock: Clock;
  readonly #byKey = new Groups<string, LiveConnection>();
  /** What was ended since each of those who arrive was at the door. */
  readonly #arriving = new Set<Ending[]>();
  readonly #openedAtMs = new WeakMap<LiveConnection, number>();
  readonly #hearers: ((isMeant: (actor: Actor) => boolean) => void)[] = [];
  #count = 0;

  constructor(log: Pick<PresenceLog, 'note'>, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  arrive(): Arrival {
    const missed: Ending[] = [];
    this.#arriving.add(missed);
    const leave = () => void this.#arriving.delete(missed);
    return {
      leave,
      register: (connection) => {
        leave();
        const ending = missed.find((each) => isMeant(connection, each));
        if (ending !== undefined) throw ending.reason;
        return this.#register(connection);
      },
    };
  }

  #register(connection: LiveConnection): () => void {
    const { actor } = connection;
    const isFirst = actor.kind === 'device' && !this.isOnline(actor.deviceId);
    for (const key of keysOf(connection.actor)) this.#byKey.add(key, connection);
    this.#count++;
    if (actor.kind === 'device') this.#openedAtMs.set(connection, this.#clock.nowMs());
    if (isFirst) this.#note(connection, this.#clock.nowMs());
    if (actor.kind !== 'account' || actor.expiresAtMs === undefined) return () => this.#remove(connection);
    const forgetExpiry = this.#endAt(actor.expiresAtMs, connection);
    return () => {
      forgetExpiry();
      this.#remove(connection);
    };
  }

  /** Ends the connection when its credential ends. The returned function takes it back. */
  #endAt(expiresAtMs: number, connection: LiveConnection): () => void {
    return this.#clock.after(Math.max(0, expiresAtMs - this.#clock.nowMs()), () => {
      if (this.#remove(connection)) connection.end(expired());
    });
  }

  end(filter: ConnectionFilter, reason: AppError): number {
    const keys = requireKeys(filter);
    const [first] = keys;
    const ending: Ending = { keys, networkId: filter.networkId, reason };
    for (const missed of this.#arriving) missed.push(ending);
    this.#tell(keys);
    const found = [...this.#byKey.of(first)].filter((connection) => isMeant(connection, ending));
    for (const connection of found) {
      if (this.#remove(connection)) connection.end(reason);
    }
    return found.length;
  }

  changed(filter: ConnectionFilter): void {
    this.#tell(requireKeys(filter));
  }

  onChange(hear: (isMeant: (actor: Actor) => boolean) => void): void {
    this.#hearers.push(hear);
  }

  #tell(keys: readonly string[]): void {
    for (const hear of this.#hearers) hear((actor) => hasAll(actor, keys));
  }

  isOnline(deviceId: DeviceId): boolean {
    return this.#byKey.hasAny(`device:${deviceId}`);
  }

  heardAtMs(deviceId: DeviceId): number | null {
    if (!this.isOnline(deviceId)) return null;
    let latestMs = 0;
    for (const connection of this.#byKey.of(`device:${deviceId}`)) {
      latestMs = Math.max(latestMs, connection.heardAtMs?.() ?? 0);
    }
    return latestMs;
  }

  linksOf(deviceId: DeviceId): readonly OpenLink[] {
    return [...this.#byKey.of(`device:${deviceId}`)].map((connection) => ({
      kind: connection.kind,
      sinceMs: this.#openedAtMs.get(connection) ?? this.#clock.nowMs(),
      heardAtMs: connection.heardAtMs?.() ?? null,
    }));
  }

  ownerOf(deviceId: DeviceId): TenantId | null {
    return this.#byKey.first(`device:${deviceId}`)?.actor.tenantId ?? null;
  }

  /** False: it was gone already. */
  #remove(connection: LiveConnection): boolean {
    let removed = false;
    for (const key of keysOf(connection.actor)) {
      if (this.#byKey.remove(key, connection)) removed = true;
    }
    if (!removed) return false;
    this.#count--;
    const { actor } = connection;
    if (actor.kind === 'device' && !this.isOnline(actor.deviceId)) this.#note(connection, null);
    return true;
  }

  #note({ actor }: LiveConnection, connectedAtMs: number | null): void {
    if (actor.kind !== 'device') return;
    this.#log.note({ deviceId: actor.deviceId, tenantId: actor.tenantId, connectedAtMs });
  }
}

function expired(): AppError {
  return new AppError('unauthenticated', 'unauthenticated', 'Your token has expired.');
}
