import type { Clock } from '../../kernel/clock.ts';
import { type AppError, InvariantError } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { PresenceLog } from './presence-log.ts';
import type { ConnectionFilter, LiveConnection } from './types.ts';

/** Every connection that is open on this node. */
export interface ConnectionRegistry {
  /** The connection is open from now on, until the returned function is called or it is ended. */
  register(connection: LiveConnection): () => void;
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
function keysOf({ actor, sessionId }: LiveConnection): string[] {
  const keys = [`tenant:${actor.tenantId}`];
  if (actor.kind === 'account') keys.push(`account:${actor.accountId}`);
  if (actor.kind === 'device') keys.push(`device:${actor.deviceId}`);
  if (sessionId !== null) keys.push(`session:${sessionId}`);
  return keys;
}

class Registry implements ConnectionRegistry {
  readonly #log: Pick<PresenceLog, 'note'>;
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Set<LiveConnection>>();
  #count = 0;

  constructor(log: Pick<PresenceLog, 'note'>, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  register(connection: LiveConnection): () => void {
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
    const { accountId, deviceId, sessionId, tenantId, networkId } = filter;
    const keys: string[] = [];
    if (accountId !== undefined) keys.push(`account:${accountId}`);
    if (deviceId !== undefined) keys.push(`device:${deviceId}`);
    if (sessionId !== undefined) keys.push(`session:${sessionId}`);
    if (tenantId !== undefined) keys.push(`tenant:${tenantId}`);
    const [first, ...others] = keys;
    if (first === undefined) throw new InvariantError('a filter for connections of anybody');
    const found = [...(this.#byKey.get(first) ?? [])].filter(
      (connection) =>
        others.every((key) => this.#byKey.get(key)?.has(connection)) &&
        (networkId === undefined || connection.concerns(networkId)),
    );
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
