import { AppError } from '../../kernel/errors.ts';
import { HALF_LIFE_MS, STEPS, type Step } from './limits.ts';
import { type AbuseKind, type AbuseMeasure, MEASURES, type MeasureKind } from './types.ts';

/**
 * Codes that say that a code, which was typed or followed, is wrong. Not a fleet's key: nobody guesses 256 bits, and devices that come with
 * one that is over would lock the home that they are in.
 */
const WRONG_CODES: ReadonlySet<AppError['code']> = new Set([
  'setup_code_wrong',
  'sign_in_code_wrong',
  'password_wrong',
  'claim_code_wrong',
  'user_code_wrong',
  'invitation_wrong',
] as const);

/** Codes that say that an id is nobody's, or somebody else's. */
const UNKNOWN_IDS: ReadonlySet<AppError['code']> = new Set([
  'user_not_found',
  'tenant_not_found',
  'member_not_found',
  'token_not_found',
  'identity_not_found',
  'invitation_not_found',
  'network_not_found',
  'device_not_found',
  'transaction_not_found',
] as const);

/** What a refusal is counted as; null: it is no sign of abuse. `isKnown`: it was refused to who has a valid credential. */
export function kindOfRefusal({ code, details }: AppError, isKnown: boolean): AbuseKind | null {
  // These are answers to what was counted already.
  if (code === 'cut_off' || code === 'locked' || details?.scope === THROTTLED) return null;
  // What others of the tenant used up.
  if (details?.scope === 'tenant') return null;
  if (WRONG_CODES.has(code)) return 'codes';
  if (UNKNOWN_IDS.has(code)) return isKnown ? 'ids' : null;
  return code === 'rate_limited' ? 'flood' : null;
}

const THROTTLED = 'throttled';

/** What is left of a count after a time. */
export function decayed(count: number, elapsedMs: number): number {
  return count * 2 ** (-Math.max(0, elapsedMs) / HALF_LIFE_MS);
}

/** The strongest measure that so much brings; null: none. */
export function stepFor(kind: AbuseKind, count: number): Step | null {
  return STEPS[kind].findLast((step) => count >= step.count) ?? null;
}

/** How strong a measure is: more is stronger. */
export function strengthOf(measure: MeasureKind): number {
  return MEASURES.indexOf(measure);
}

/** What is told who is cut off or locked: until when, and nothing about why others might be. */
export function refusalOf({ measure, endsAtMs }: AbuseMeasure, nowMs: number): AppError {
  const retryAfterSeconds = Math.max(1, Math.ceil((endsAtMs - nowMs) / 1000));
  const details = { retryAfterSeconds, until: new Date(endsAtMs).toISOString() };
  return measure === 'lock'
    ? new AppError('forbidden', 'locked', 'Locked after too much that looks like abuse.', { details })
    : new AppError('rate_limited', 'cut_off', 'Cut off for a while after too much that looks like abuse.', {
        details,
      });
}

/** What is told who is throttled and has asked enough for this minute. */
export function throttled(limit: number, resetSeconds: number): AppError {
  const details = { scope: THROTTLED, limit, retryAfterSeconds: Math.max(1, resetSeconds) };
  return new AppError('rate_limited', 'rate_limited', 'Slowed down after too much that looks like abuse.', {
    details,
  });
}
