import type { PermissionBook } from './permission-book.ts';
import type { PairingDependencies } from './ports.ts';
import { stateOf } from './rules.ts';
import type { Pairing, PairingView } from './types.ts';

/** How pairings are shown and told. */
export type Telling = ReturnType<typeof createTelling>;

/** Shows pairings, and tells devices; nobody waits for that. */
export function createTelling(
  book: PermissionBook,
  { outlet, identities, presence, clock, logger }: PairingDependencies,
) {
  /** As it stands at this moment. */
  const view = (pairing: Pairing): PairingView => {
    const devices = [pairing.sourceId, pairing.targetId];
    const heard = known(devices.map((deviceId) => presence.heardAtMs(deviceId)));
    const trips = known(devices.map((deviceId) => presence.roundTripMs(pairing.networkId, deviceId)));
    const direct = presence.direct(pairing.networkId, pairing.sourceId, pairing.targetId);
    const relayed = trips === null ? null : trips.reduce((sum, ms) => sum + ms, 0);
    return {
      ...pairing,
      state: stateOf(pairing, clock.nowMs()),
      heardAtMs: heard === null ? null : Math.min(...heard),
      path: direct === null ? 'relay' : 'direct',
      roundTripMs: direct === null ? relayed : direct.roundTripMs,
    };
  };
  const tell = (pairing: Pairing): void => {
    for (const deviceId of [pairing.sourceId, pairing.targetId]) outlet.tell(deviceId, pairing);
  };
  /** Asks the target. */
  const ask = (pairing: Pairing): void => {
    identities
      .identify(pairing.sourceId)
      .then((source) => {
        if (source !== null) outlet.ask(pairing, source);
      })
      .catch((error: unknown) => {
        logger.warn({ operation: 'connections.ask', error }, 'a device is not asked');
      });
  };
  return {
    view,
    ask,
    /** What was decided counts from here on, before anybody is told. */
    changed(pairing: Pairing): PairingView {
      book.peek(pairing.networkId)?.apply(pairing);
      tell(pairing);
      return view(pairing);
    },
    /** What was kept without our knowing. */
    news(pairings: readonly Pairing[]): void {
      for (const pairing of pairings) {
        if (pairing.state === 'asked') ask(pairing);
        else tell(pairing);
      }
    },
  };
}

/** Null where one of them is. */
function known(values: readonly (number | null)[]): number[] | null {
  const found = values.filter((value) => value !== null);
  return found.length === values.length ? found : null;
}

/** SQLSTATEs of a database that refused a statement: nothing of its transaction is kept. Class 08 and 57P say nothing of that. */
const REFUSED_BY_DATABASE = /^(?!08|57P)[0-9A-Z]{5}$/;

/** A decision that may have been kept though the database didn't say so must not be sent past. */
export async function unlessUncertain<T>(kept: Promise<T>, distrust: () => void): Promise<T> {
  try {
    return await kept;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== 'string' || !REFUSED_BY_DATABASE.test(code)) distrust();
    throw error;
  }
}
