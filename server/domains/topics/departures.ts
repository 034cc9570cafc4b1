import type { Clock } from '../../kernel/clock.ts';
import type { Session } from './session.ts';

/** MQTT 5 section 3.1.2.11.2: the session doesn't end. */
export const NEVER_SECONDS = 0xffff_ffff;
/** The longest that a timer waits, in milliseconds: then it looks again. */
const TIMER_MAX_MS = 2_147_483_647;

interface DepartureEvents {
  /** The time of its will has come. */
  willDue(session: Session): void;
  /** The session is over. */
  ended(session: Session): void;
}

/** Sessions of MQTT 5 whose clients are away: when each ends, and when its will is published. */
export class Departures {
  readonly #clock: Pick<Clock, 'nowMs' | 'after'>;
  readonly #events: DepartureEvents;
  readonly #timers = new Map<string, () => void>();

  constructor(clock: Pick<Clock, 'nowMs' | 'after'>, events: DepartureEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** The client is away since `leftAtMs` of its session. What is due is done at once. */
  add(session: Session): void {
    this.cancel(session.clientId);
    const nowMs = this.#clock.nowMs();
    const endsAtMs = endOf(session);
    const willAtMs = willTimeOf(session, endsAtMs);
    if (willAtMs <= nowMs) this.#events.willDue(session);
    if (endsAtMs <= nowMs) {
      this.#events.ended(session);
      return;
    }
    const nextMs = willAtMs <= nowMs ? endsAtMs : Math.min(endsAtMs, willAtMs);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(nextMs - nowMs, TIMER_MAX_MS);
    this.#timers.set(
      session.clientId,
      this.#clock.after(delayMs, () => this.add(session)),
    );
  }

  /** The client is back. */
  cancel(clientId: string): void {
    this.#timers.get(clientId)?.();
    this.#timers.delete(clientId);
  }

  /** Nothing happens any more. */
  stop(): void {
    for (const clientId of [...this.#timers.keys()]) this.cancel(clientId);
  }
}

function endOf({ leftAtMs, expirySeconds }: Session): number {
  if (leftAtMs === null || expirySeconds === null || expirySeconds === NEVER_SECONDS)
    return Number.POSITIVE_INFINITY;
  return leftAtMs + expirySeconds * 1_000;
}

/** After its delay, and with the end of the session at the latest (MQTT 5 section 3.1.3.2.2). */
function willTimeOf({ will, leftAtMs }: Session, endsAtMs: number): number {
  if (will === undefined || leftAtMs === null) return Number.POSITIVE_INFINITY;
  const { willDelayInterval } = will.properties ?? {};
  const delaySeconds = typeof willDelayInterval === 'number' ? willDelayInterval : 0;
  return Math.min(leftAtMs + delaySeconds * 1_000, endsAtMs);
}
