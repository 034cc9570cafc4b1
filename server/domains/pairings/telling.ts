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
    const [source, target] = [presence.heardAtMs(pairing.sourceId), presence.heardAtMs(pairing.targetId)];
    return {
      ...pairing,
      state: stateOf(pairing, clock.nowMs()),
      heardAtMs: source === null || target === null ? null : Math.min(source, target),
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

/** A decision that may have been kept though the database didn't say so must not be sent past. */
export async function unlessUncertain<T>(kept: Promise<T>, distrust: () => void): Promise<T> {
  try {
    return await kept;
  } catch (error) {
    distrust();
    throw error;
  }
}
