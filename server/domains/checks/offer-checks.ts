import type { CheckVerdict } from '../providers/index.ts';
import { decisionOf } from './evidence.ts';
import { DOUBTED_MS } from './limits.ts';
import { type AgreeWithEachOther, type Outcome, verdictOf } from './rules.ts';
import type { KeptCheck } from './types.ts';

/** Whom a provider was compared with. */
export interface Peer {
  readonly providerId: string;
  readonly ownerId: string;
  readonly isReference: boolean;
}

/** What the checks of one provider's model have shown. */
export class OfferChecks {
  readonly providerId: string;
  readonly ownerId: string;
  readonly model: string;
  validChecks = 0;
  comparedTokens = 0;
  verdict: CheckVerdict = 'unchecked';
  checkedAtMs: number | null = null;
  pausedUntilMs: number | null = null;
  /** Its answers when it was checked last. */
  answersAtCheck = 0;
  /** Checks in a row with which its statistics were outliers. */
  outlierChecks = 0;
  readonly #evidence = new Map<string, number>();
  readonly #outcomes = new Map<string, Outcome>();

  constructor(offer: Pick<OfferChecks, 'providerId' | 'ownerId' | 'model'>, kept: KeptCheck | null) {
    this.providerId = offer.providerId;
    this.ownerId = offer.ownerId;
    this.model = offer.model;
    if (kept === null) return;
    this.validChecks = kept.validChecks;
    this.comparedTokens = kept.comparedTokens;
    this.verdict = kept.verdict;
    this.checkedAtMs = kept.checkedAtMs;
    this.pausedUntilMs = kept.pausedUntilMs;
  }

  /** Adds what a comparison with another's provider has shown. A test that has decided is followed by the next. */
  addEvidence({ providerId, ownerId, isReference }: Peer, evidence: number, comparedTokens: number): void {
    this.comparedTokens += comparedTokens;
    const sum = (this.#evidence.get(providerId) ?? 0) + evidence;
    const decision = decisionOf(sum);
    this.#evidence.set(providerId, decision === null ? sum : 0);
    if (decision !== null) this.#outcomes.set(providerId, { providerId, ownerId, isReference, decision });
  }

  /** True: tests have decided last that this provider answers as it does. */
  isSameAs(providerId: string): boolean {
    return this.#outcomes.get(providerId)?.decision === 'same';
  }

  /** Draws the conclusion. What is doubted now is paused, and begins anew behind that. A reference agrees with itself. */
  conclude(nowMs: number, isReference: boolean, agree: AgreeWithEachOther): void {
    this.checkedAtMs = nowMs;
    if (this.#outcomes.size === 0) return;
    this.verdict = isReference ? 'agrees' : verdictOf([...this.#outcomes.values()], agree);
    if (this.verdict === 'doubted') this.pause(nowMs);
  }

  /** Nothing is asked of it for a while. */
  pause(nowMs: number): void {
    this.pausedUntilMs = nowMs + DOUBTED_MS;
    this.validChecks = 0;
    this.outlierChecks = 0;
    this.#evidence.clear();
    this.#outcomes.clear();
  }

  /** True while it is paused. */
  isPaused(nowMs: number): boolean {
    return this.pausedUntilMs !== null && nowMs < this.pausedUntilMs;
  }

  /** What is kept of it. */
  kept(): KeptCheck {
    const {
      providerId,
      ownerId: tenantId,
      model,
      verdict,
      comparedTokens,
      validChecks,
      pausedUntilMs,
    } = this;
    const checkedAtMs = this.checkedAtMs ?? 0;
    return { providerId, tenantId, model, verdict, comparedTokens, validChecks, checkedAtMs, pausedUntilMs };
  }
}
