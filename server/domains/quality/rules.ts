import {
  NEUTRAL_SHARE,
  NEUTRAL_WEIGHT,
  RATING_PRIOR_VOICES,
  RATING_WEIGHT,
  REFERENCE_FIRST_TOKEN_MS,
  REFERENCE_TOKEN_MS,
} from './limits.ts';
import type { ProviderOutcome, ProviderQuality, ProviderRating } from './types.ts';

/** The assessment of a provider that nobody has used yet. */
export function neutralQuality(nowMs: number): ProviderQuality {
  return {
    quality: NEUTRAL_SHARE,
    latency: NEUTRAL_SHARE,
    availability: NEUTRAL_SHARE,
    combined: NEUTRAL_SHARE,
    weight: NEUTRAL_WEIGHT,
    lastTimeMs: nowMs,
  };
}

/** What one request adds to the means. A failure says nothing about speed: latency then stays what it was. */
export function observationOf(
  before: ProviderQuality,
  outcome: ProviderOutcome,
): { quality: number; latency: number; availability: number } {
  switch (outcome.kind) {
    case 'completed':
      return { quality: 1, latency: latencyShare(outcome.firstTokenMs, outcome.tokenMs), availability: 1 };
    case 'malformed':
      return { quality: 0, latency: before.latency, availability: 1 };
    case 'unavailable':
      return { quality: before.quality, latency: before.latency, availability: 0 };
  }
}

/** 1 for an instant answer, a half at the reference times, towards 0 beyond. */
export function latencyShare(firstTokenMs: number, tokenMs: number): number {
  const slowness = firstTokenMs / REFERENCE_FIRST_TOKEN_MS + tokenMs / REFERENCE_TOKEN_MS;
  return 1 / (1 + Math.max(0, slowness) / 2);
}

/** What was measured, moved by what requesters say: one account by little, all of them by `RATING_WEIGHT` at most. */
export function ratedQuality(measured: ProviderQuality, { voices, stars }: ProviderRating): ProviderQuality {
  if (voices === 0) return measured;
  const sum = NEUTRAL_SHARE * RATING_PRIOR_VOICES + (stars - voices) / 4;
  const shift = RATING_WEIGHT * (sum / (RATING_PRIOR_VOICES + voices) - NEUTRAL_SHARE);
  return { ...measured, quality: Math.min(1, Math.max(0, measured.quality + shift)) };
}
