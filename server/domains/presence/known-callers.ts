import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { CALLER_KNOWN_MS, CALLERS_KNOWN_MAX } from './limits.ts';
import type { ConnectionRegistry } from './registry.ts';

/** Who showed a token a moment ago, so that not each of many requests asks the database. */
export interface KnownCallers {
  /**
   * Who has the token: from memory, or as `ask` says. Whose credential, role or tenant is taken away or changed is asked for
   * anew at once; changes that this process doesn't hear of are seen after `CALLER_KNOWN_MS`.
   */
  identify(
    tokenHash: Uint8Array,
    tenantId: TenantId | null,
    ask: () => Promise<Actor | null>,
  ): Promise<Actor | null>;
}

interface Caller {
  readonly actor: Actor;
  readonly untilMs: number;
}

/** Somebody who is being asked for; what changes meanwhile is not remembered. */
interface Asking {
  readonly changes: ((actor: Actor) => boolean)[];
  answer: Promise<Actor | null>;
}

const NOBODY = Promise.resolve(null);

/** Makes the memory, which hears from `connections` what is taken away. */
export function createKnownCallers(dependencies: {
  readonly connections: Pick<ConnectionRegistry, 'onChange'>;
  readonly clock: Clock;
}): KnownCallers {
  const { connections, clock } = dependencies;
  /** Whose second began the longest ago, first. */
  const known = new Map<string, Caller>();
  const asking = new Set<Asking>();
  /** The last of each key, as long as nothing has changed since it was begun: others who want to know wait for its answer. */
  const shared = new Map<string, Asking>();
  connections.onChange((isMeant) => {
    for (const { changes } of asking) changes.push(isMeant);
    shared.clear();
    for (const [key, { actor }] of known) if (isMeant(actor)) known.delete(key);
  });

  const askAs = async (mine: Asking, key: string, ask: () => Promise<Actor | null>) => {
    try {
      const actor = await ask();
      if (actor !== null && !mine.changes.some((isMeant) => isMeant(actor))) {
        known.delete(key);
        known.set(key, { actor, untilMs: untilMs(actor, clock) });
        const [oldest] = known.keys();
        if (known.size > CALLERS_KNOWN_MAX && oldest !== undefined) known.delete(oldest);
      }
      return actor;
    } finally {
      asking.delete(mine);
      if (shared.get(key) === mine) shared.delete(key);
    }
  };

  const askFor = (key: string, ask: () => Promise<Actor | null>) => {
    const mine: Asking = { changes: [], answer: NOBODY };
    asking.add(mine);
    shared.set(key, mine);
    mine.answer = askAs(mine, key, ask);
    return mine.answer;
  };

  return {
    identify(tokenHash, tenantId, ask) {
      const key = Buffer.from(tokenHash).toString('latin1') + (tenantId ?? '');
      const caller = known.get(key);
      return caller !== undefined && clock.monotonicMs() < caller.untilMs
        ? Promise.resolve(caller.actor)
        : (shared.get(key)?.answer ?? askFor(key, ask));
    },
  };
}

/** Until when, in monotonic milliseconds: no longer than its credential, or what it showed of it. */
function untilMs(actor: Actor, clock: Clock): number {
  const expiresAtMs = actor.kind === 'account' ? (actor.lookAgainAtMs ?? actor.expiresAtMs) : undefined;
  const leftMs = expiresAtMs === undefined ? CALLER_KNOWN_MS : expiresAtMs - clock.nowMs();
  return clock.monotonicMs() + Math.min(leftMs, CALLER_KNOWN_MS);
}
