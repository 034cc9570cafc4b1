import type { Clock } from '../../kernel/clock.ts';
import { type AppError, InvariantError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import type { PresenceLog } from './presence-log.ts';
import type { Arrival, ConnectionFilter, LiveConnection } from './types.ts';

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
function keysOf({ actor }: LiveConnection): string[] {
  const keys = [`tenant:${actor.tenantId}`];
  if (actor.kind === 'service') return keys;
  keys.push(actor.kind === 'account' ? `account:${actor.accountId}` : `device:${actor.deviceId}`);
  keys.push(`credential:${actor.credentialId}`);
  return keys;
}

/** The keys of a filter: a connection that matches has all of them. */
function keysWanted({ accountId, deviceId, credentialId, tenantId }: ConnectionFilter): string[] {
  const keys: string[] = [];
  if (credentialId !== undefined) keys.push(`credential:${credentialId}`);
  if (accountId !== undefined) keys.push(`account:${accountId}`);
  if (deviceId !== undefined) keys.push(`device:${deviceId}`);
  if (tenantId !== undefined) keys.push(`tenant:${tenantId}`);
  return keys;
}

/** A call of `end`, kept for who arrives meanwhile. */
interface Ending {
  readonly keys: readonly string[];
  readonly networkId: NetworkId | undefined;
  readonly reason: AppError;
}

function isMeant(connection: LiveConnection, { keys, networkId }: Ending): boolean {
  const known = keysOf(connection);
  return (
    keys.every((key) => known.includes(key)) && (networkId === undefined || connection.concerns(networkId))
  );
}

class Registry implements ConnectionRegistry {
  readonly #log: Pick<PresenceLog, 'note'>;
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Set<LiveConnection>>();
  /** What was ended since each of those who arrive was at the door. */
  readonly #arriving = new Set<Ending[]>();
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
    for (const key of keysOf(connection)) {
      const known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, new Set([connection]));
      else known.add(connection);
    }
    this.#count++;
    if (isFirst) this.#note(connection, this.#clock.nowMs());
    return () => this.#remove(connection);
  }

  end(filter: ConnectionFilter, reason: AppError): number {
    const keys = keysWanted(filter);
    const [first] = keys;
    if (first === undefined) throw new InvariantError('a filter for connections of anybody');
    const ending: Ending = { keys, networkId: filter.networkId, reason };
    for (const missed of this.#arriving) missed.push(ending);
    const found = [...(this.#byKey.get(first) ?? [])].filter((connection) => isMeant(connection, ending));
    for (const connection of found) {
      if (this.#remove(connection)) connection.end(reason);
    }
    return found.length;
  }

  isOnline(deviceId: DeviceId): boolean {
    return this.#byKey.has(`device:${deviceId}`);
  }

  /** False: it was gone already. */
  #remove(connection: LiveConnection): boolean {
    let removed = false;
    for (const key of keysOf(connection)) {
      const known = this.#byKey.get(key);
      if (known?.delete(connection)) removed = true;
      if (known?.size === 0) this.#byKey.delete(key);
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
