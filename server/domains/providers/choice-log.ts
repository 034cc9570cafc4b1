import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { CHOICES_REMEMBERED, EXPLAINED_CANDIDATES_MAX, REQUEST_CHOICES_MAX } from './limits.ts';
import type { ScoringCore } from './ports.ts';
import type { ProviderId } from './types.ts';

/** Why a provider was chosen: its share is due, or it has the prompt in its cache, is new, or is being tried after a pause. */
export type ChoiceReason = 'share' | 'cache' | 'exploration' | 'probe';

/** A provider that could have had a request: its score from 0 to 1, and what each part of the score was, unweighted. */
export interface ExplainedCandidate {
  readonly providerId: ProviderId;
  readonly isChosen: boolean;
  readonly score: number;
  readonly price: number;
  readonly quality: number;
  readonly latency: number;
  readonly availability: number;
  /** In quarters: exact, it would tell what others ask of it. */
  readonly fairness: number;
}

/** Why a request went where it went. */
export interface ExplainedChoice {
  readonly model: string;
  readonly reason: ChoiceReason;
  readonly chosenAtMs: number;
  /** Who offers the model. */
  readonly offers: number;
  /** Cents for 1000 tokens beyond which nobody was asked; null: the request said itself what it would pay. */
  readonly priceMaxCents: number | null;
  /** The best, and the chosen one, as they were at that moment. */
  readonly candidates: readonly ExplainedCandidate[];
}

/** A choice, and whose it was. */
interface KeptChoices {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  readonly choices: ExplainedChoice[];
}

/** The last choices, by request; in memory. */
export class ChoiceLog {
  readonly #kept = new Map<string, KeptChoices>();

  /** Notes one more choice of a request: the first, or after a failure the next. */
  note(
    { requestId, tenantId, accountId }: { requestId: string; tenantId: TenantId; accountId: AccountId },
    choice: ExplainedChoice,
  ): void {
    const kept = this.#kept.get(requestId) ?? { tenantId, accountId, choices: [] };
    if (kept.choices.length < REQUEST_CHOICES_MAX) kept.choices.push(choice);
    this.#kept.set(requestId, kept);
    if (this.#kept.size <= CHOICES_REMEMBERED) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }

  /** The choices of a request of this account; null: there is none, it is another's, or it is forgotten. */
  find(
    requestId: string,
    asker: { readonly tenantId: TenantId; readonly accountId: AccountId },
  ): readonly ExplainedChoice[] | null {
    const kept = this.#kept.get(requestId);
    const isOwn = kept?.tenantId === asker.tenantId && kept.accountId === asker.accountId;
    return kept !== undefined && isOwn ? kept.choices : null;
  }
}

/** What the core was given of the first `count` candidates and found, of the best of them and of the chosen one. */
export function explainCandidates(
  { price, quality, latencyMs, availability, fairness, utilization, scores }: ScoringCore['candidates'],
  count: number,
  chosenPlace: number,
  idAt: (place: number) => ProviderId,
): ExplainedCandidate[] {
  const best: number[] = [];
  let lowestPrice = Number.POSITIVE_INFINITY;
  let lowestMs = Number.POSITIVE_INFINITY;
  for (let place = 0; place < count; place++) {
    if ((utilization[place] as number) >= 1) continue;
    lowestPrice = Math.min(lowestPrice, price[place] as number);
    lowestMs = Math.min(lowestMs, latencyMs[place] as number);
    const score = scores[place] as number;
    const isAmongBest =
      best.length < EXPLAINED_CANDIDATES_MAX || score > (scores[best.at(-1) as number] as number);
    if (!isAmongBest) continue;
    best.push(place);
    best.sort((a, b) => (scores[b] as number) - (scores[a] as number));
    if (best.length > EXPLAINED_CANDIDATES_MAX) best.pop();
  }
  if (!best.includes(chosenPlace)) best[Math.min(best.length, EXPLAINED_CANDIDATES_MAX - 1)] = chosenPlace;
  const lowness = (lowest: number, value: number) => (value === lowest ? 1 : lowest / value);
  return best.map((place) => {
    const own = fairness[place] as number;
    return {
      providerId: idAt(place),
      isChosen: place === chosenPlace,
      // Undamped: how busy it is concerns others.
      score: rounded(
        (scores[place] as number) * (1 + (utilization[place] as number)) - (own - quartered(own)) * 0.1,
      ),
      price: rounded(lowness(lowestPrice, price[place] as number)),
      quality: rounded(quality[place] as number),
      latency: rounded(lowness(lowestMs, latencyMs[place] as number)),
      availability: rounded(availability[place] as number),
      fairness: quartered(own),
    };
  });
}

function rounded(value: number): number {
  return Math.min(1, Math.max(0, Math.round(value * 1_000) / 1_000));
}

function quartered(value: number): number {
  return Math.round(value * 4) / 4;
}
