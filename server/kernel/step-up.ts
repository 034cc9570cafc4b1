import type { Actor, ProofWay } from './actor.ts';
import { AppError } from './errors.ts';
import type { Operation } from './operation.ts';

/** Whoever proved that it is them is believed for so long, in milliseconds: a stolen token is worth less. */
export const PROOF_LIFE_MS = 10 * 60_000;

/**
 * Refuses an operation that takes a fresh proof with `step_up_required` where there is none of the last ten minutes, and with `forbidden`
 * whoever comes with an API key, which proves nobody. An account that has nothing to prove itself with but its token isn't asked.
 */
export function requireFreshProof(actor: Actor, { needsProof }: Operation, nowMs: number): void {
  if (needsProof !== true || actor.kind !== 'account') return;
  if (actor.scope !== undefined) {
    throw new AppError(
      'forbidden',
      'forbidden',
      'This needs a user who is signed in: an API key is not enough.',
    );
  }
  const { proof } = actor;
  if (proof === undefined || proof.accepted.length === 0) return;
  if (proof.atMs !== null && nowMs - proof.atMs < PROOF_LIFE_MS) return;
  throw stepUpRequired(proof.accepted);
}

/** The account has to prove again that it is itself, in one of these ways. */
export function stepUpRequired(accepted: readonly ProofWay[]): AppError {
  return new AppError(
    'forbidden',
    'step_up_required',
    'Prove first that it is you: POST /api/v1/users/me/proof. It is good for ten minutes.',
    { details: { accepted } },
  );
}
