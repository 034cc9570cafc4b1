import { InvariantError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import { pause, trustOf } from './health.ts';
import { DEBT_RATIO_MAX, LATENCY_MS_DEFAULT } from './limits.ts';
import type { LiveProvider } from './live-provider.ts';
import type { ScoringCore } from './ports.ts';
import type { ModelOffer, ProviderId } from './types.ts';

/** A provider that could serve a request, with the model as it offers it. */
export interface Eligible {
  readonly provider: LiveProvider;
  readonly model: ModelOffer;
}

/** Who gets the request, or why nobody does. */
export type Selection =
  | { readonly ok: true; readonly chosen: Eligible; readonly isProbe: boolean }
  | { readonly ok: false; readonly reason: 'all_unhealthy' | 'all_busy' };

/** What selection needs. */
export interface SelectionDependencies {
  readonly core: ScoringCore;
  readonly random: Pick<Random, 'fraction'>;
  readonly qualityOf: (id: ProviderId) => { readonly quality: number; readonly availability: number };
}

/**
 * Chooses among `eligible`, which must not be empty. Only free slots are looked at; a provider whose pause is over gets
 * one request as a probe; one that has become several times slower is put aside first. Of the rest the better half
 * by score remains, two of it are drawn, and the one that was given fewer tokens for its capacity gets the request:
 * so near ties rotate, and nobody starves.
 */
export function selectProvider(
  eligible: readonly Eligible[],
  nowMs: number,
  dependencies: SelectionDependencies,
): Selection {
  const { random } = dependencies;
  pauseSlowedDown(eligible, nowMs, random);
  let healthy = false;
  const free: Eligible[] = [];
  for (const candidate of eligible) {
    const { provider } = candidate;
    const trust = trustOf(provider.standing.health, nowMs);
    if (trust === 'probe' && provider.probe === null && provider.hasFreeSlot()) {
      return { ok: true, chosen: candidate, isProbe: true };
    }
    if (trust !== 'ready') continue;
    healthy = true;
    if (provider.hasFreeSlot()) free.push(candidate);
  }
  if (!healthy) return { ok: false, reason: 'all_unhealthy' };
  if (free.length === 0) return { ok: false, reason: 'all_busy' };
  const half = betterHalf(drawSome(free, dependencies), nowMs, dependencies);
  const first = half[Math.floor(random.fraction() * half.length)] as Weighed;
  const second = half[Math.floor(random.fraction() * half.length)] as Weighed;
  const [better, other] = first.score >= second.score ? [first, second] : [second, first];
  const chosen = better.debt <= DEBT_RATIO_MAX * other.debt ? better : other;
  return { ok: true, chosen: chosen.candidate, isProbe: false };
}

interface Weighed {
  readonly candidate: Eligible;
  /** Tokens given lately for each token of capacity: the smaller, the more it is owed. */
  readonly debt: number;
  readonly score: number;
}

/** Puts aside who has become slow, unless all have: then it is the world, and pausing everybody would help nobody. */
function pauseSlowedDown(
  eligible: readonly Eligible[],
  nowMs: number,
  random: Pick<Random, 'fraction'>,
): void {
  const ready = eligible.filter(({ provider }) => trustOf(provider.standing.health, nowMs) === 'ready');
  const slow = ready.filter(({ provider }) => {
    const latencyMs = provider.latencyMs(nowMs);
    return latencyMs !== null && provider.standing.pace.isSlowedDown(latencyMs);
  });
  if (slow.length * 2 > ready.length) return;
  for (const { provider } of slow) {
    provider.standing.health = pause(provider.standing.health, nowMs, random.fraction());
  }
}

/** At most as many as the core scores at once, from a random place on. */
function drawSome(free: readonly Eligible[], { core, random }: SelectionDependencies): readonly Eligible[] {
  if (free.length <= core.candidatesMax) return free;
  const from = Math.floor(random.fraction() * free.length);
  return [...free.slice(from), ...free.slice(0, from)].slice(0, core.candidatesMax);
}

function betterHalf(
  free: readonly Eligible[],
  nowMs: number,
  { core, qualityOf }: SelectionDependencies,
): readonly Weighed[] {
  const latencies = free.map(({ provider }) => provider.latencyMs(nowMs));
  const typicalMs = median(latencies.filter((latency) => latency !== null)) ?? LATENCY_MS_DEFAULT;
  const typicalTokenMs =
    median(free.map(({ provider }) => provider.standing.pace.tokenMs()).filter((ms) => ms !== null)) ?? 1;
  const debts = free.map(({ provider }) => {
    const tokenMs = provider.standing.pace.tokenMs() ?? typicalTokenMs;
    return (provider.standing.debtTokens(nowMs) * Math.max(tokenMs, 1)) / provider.slots;
  });
  const meanDebt = debts.reduce((sum, debt) => sum + debt, 0) / debts.length;
  // Over indexes, because that is a third of the time of an iterator's entries, and straight into the core's memory.
  const { price, quality, latencyMs, availability, fairness, utilization, scores } = core.candidates;
  for (let i = 0; i < free.length; i++) {
    const { provider, model } = free[i] as Eligible;
    const assessment = qualityOf(provider.id);
    price[i] = scoredPrice(model);
    quality[i] = assessment.quality;
    latencyMs[i] = latencies[i] ?? typicalMs;
    availability[i] = assessment.availability;
    fairness[i] = meanDebt === 0 ? 1 : meanDebt / (meanDebt + (debts[i] as number));
    utilization[i] = provider.running.size / provider.slots;
  }
  const scored = core.scoreBatch(free.length);
  if (!scored.ok) throw new InvariantError(`candidates could not be scored: ${scored.reason}`);
  const weighed = free.map((candidate, index) => ({
    candidate,
    debt: debts[index] as number,
    score: scores[index] as number,
  }));
  weighed.sort((a, b) => b.score - a.score);
  return weighed.slice(0, Math.ceil(weighed.length / 2));
}

/** What a model is scored by, in cents: a typical request has about as much prompt as answer. */
export function scoredPrice({ prices }: ModelOffer): number {
  return (Number(prices.prompt) + Number(prices.completion)) / 2_000_000;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
