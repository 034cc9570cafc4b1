import type { Actor } from '../../kernel/actor.ts';
import { notFound } from '../../kernel/errors.ts';
import type { Decision } from './types.ts';

/** What was chosen for a request, as far as it is remembered. */
export interface RequestChoice {
  readonly model: string;
  readonly reason: string;
  readonly chosenAtMs: number;
}

/** How a request stands to who asked. */
export interface RequestEnd {
  readonly role: 'requester' | 'provider';
  readonly state: string;
  readonly finishReason: string | null;
  readonly failureCode: string | null;
  readonly finishedAtMs: number | null;
}

/** Where decisions about a request are found; each refuses what is another account's as what doesn't exist. */
export interface RequestDecisionSources {
  /** Refuses with `transaction_not_found` what is forgotten, too. */
  choices(actor: Actor, requestId: string): Promise<readonly RequestChoice[]>;
  /** Refuses with `transaction_not_found`. */
  transaction(actor: Actor, requestId: string): Promise<RequestEnd>;
  /** Decisions about disputes of this transaction. */
  disputes(actor: Actor, requestId: string): Promise<readonly Decision[]>;
}

const REASONS: Readonly<Record<string, string>> = {
  share: 'Its share of the work was due.',
  cache: 'It has the prompt in its cache.',
  exploration: 'It is new, or back.',
  probe: 'It is tried again after a pause.',
};

/**
 * All that was decided about a request of the actor's own, the oldest first: who was chosen, after a failure who next; how it ended; what
 * became of a dispute about it. Choices are remembered for a while, the rest for good. Refuses with `transaction_not_found`.
 */
export async function decisionsOfRequest(
  actor: Actor,
  requestId: string,
  sources: RequestDecisionSources,
): Promise<readonly Decision[]> {
  const choices = await orNothing(sources.choices(actor, requestId));
  const end = await orNothing(sources.transaction(actor, requestId));
  if (choices === null && end?.role !== 'requester') throw notFound('transaction');
  const chosen = (choices ?? []).map(
    ({ model, reason, chosenAtMs }, place): Decision => ({
      outcome: place === 0 ? 'chosen' : 'chosen_next',
      rule: reason,
      reason: `${REASONS[reason] ?? reason} The model: ${model}.`,
      decidedBy: null,
      decidedAtMs: chosenAtMs,
    }),
  );
  const ended = end?.role === 'requester' ? endOf(end) : [];
  const disputed = end?.role === 'requester' ? await sources.disputes(actor, requestId) : [];
  return [...chosen, ...ended, ...disputed].sort((one, other) => one.decidedAtMs - other.decidedAtMs);
}

function endOf({ state, finishReason, failureCode, finishedAtMs }: RequestEnd): readonly Decision[] {
  if (finishedAtMs === null) return [];
  const rule = failureCode ?? finishReason ?? 'ended';
  const reason = failureCode === null ? 'The answer came to its end.' : 'It ended without the whole answer.';
  // What a refund made of it is the dispute's decision.
  const outcome = (state === 'REFUNDED' ? 'COMPLETED' : state).toLowerCase();
  return [{ outcome, rule, reason, decidedBy: null, decidedAtMs: finishedAtMs }];
}

async function orNothing<Found>(found: Promise<Found>): Promise<Found | null> {
  try {
    return await found;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'transaction_not_found') return null;
    throw error;
  }
}
