import { onProofNeeded, type ProofWay } from '../api/http.ts';

/** Something waits until somebody has proved that it is them. */
interface ProofRequest {
  readonly accepted: readonly ProofWay[];
  /** True: it is proved; false: they'd rather not. */
  readonly done: (isProven: boolean) => void;
}

let current = $state.raw<ProofRequest | null>(null);

onProofNeeded(
  (accepted) =>
    new Promise((resolve) => {
      // Of two that ask at once, the first is answered.
      if (current !== null) resolve(false);
      else current = { accepted, done: (isProven) => end(isProven, resolve) };
    }),
);

/** What waits now; null: nothing does. */
export const proofRequest = (): ProofRequest | null => current;

function end(isProven: boolean, resolve: (isProven: boolean) => void): void {
  current = null;
  resolve(isProven);
}
