import type { TokenCounts } from '../pricing/index.ts';
import type { AttemptEnd, AttemptOrder, FailureCode, TokenClaim } from '../providers/index.ts';

/** Tokens as the server counted them on what passed through it. */
export interface CountedTokens {
  readonly prompt: number;
  readonly completion: number;
}

/** What is paid for an attempt, and how its transaction ends. */
export type Verdict =
  | { readonly kind: 'paid'; readonly finishReason: string; readonly claim: TokenClaim | null }
  /** Its requester left, or stopped reading: it pays for what it was given. */
  | { readonly kind: 'cut_off'; readonly code: FailureCode }
  | { readonly kind: 'unpaid'; readonly code: FailureCode };

/**
 * How a request ends with its last attempt. One that took all its time ends as long enough. An answer is paid though it is
 * empty: a stop word that came first, a limit reached while reasoning. Who leaves a provider that isn't late (`isInTime`) pays for
 * the prompt that it works on, also before the first token. A provider's failure is paid by nobody.
 */
export function verdictOf(end: AttemptEnd, hasText: boolean, isInTime: boolean): Verdict {
  if (end.kind === 'answered') return { kind: 'paid', finishReason: end.finishReason, claim: end.claim };
  if (end.kind === 'rejected') return { kind: 'unpaid', code: 'request_rejected' };
  const code = end.kind === 'unused' ? 'unavailable' : end.code;
  if (!hasText && code === 'request_cancelled' && isInTime) return { kind: 'cut_off', code };
  if (!hasText) return { kind: 'unpaid', code };
  if (code === 'request_timed_out') return { kind: 'paid', finishReason: 'length', claim: null };
  if (code === 'request_cancelled' || code === 'reader_stalled') return { kind: 'cut_off', code };
  return { kind: 'unpaid', code };
}

/** What is billed: the smaller of the server's count and the provider's claim, for prompt and answer each. */
export function billedTokens(counted: CountedTokens, claim: TokenClaim | null): TokenCounts {
  if (claim === null) return { prompt: counted.prompt, cachedPrompt: 0, completion: counted.completion };
  const prompt = Math.min(counted.prompt, claim.promptTokens);
  const cachedPrompt = Math.min(prompt, claim.cachedPromptTokens);
  return {
    prompt: prompt - cachedPrompt,
    cachedPrompt,
    completion: Math.min(counted.completion, claim.completionTokens),
  };
}

/** What the requester is told of the kinds of its tokens. */
export function usageOf(counted: CountedTokens, claim: TokenClaim | null) {
  return {
    promptTokens: counted.prompt,
    cachedPromptTokens: Math.min(counted.prompt, claim?.cachedPromptTokens ?? 0),
    completionTokens: counted.completion,
    reasoningTokens: Math.min(counted.completion, claim?.reasoningTokens ?? 0),
  };
}

/** Who refuses to go on with an answer, which it said it does, is the one that failed. */
export function asProvidersFault(end: AttemptEnd, order: Pick<AttemptOrder, 'isContinuation'>): AttemptEnd {
  const isRefused = end.kind === 'rejected' && order.isContinuation;
  return isRefused ? { kind: 'failed', code: 'provider_failed' } : end;
}

/** True where another provider may try: it was this one's failure, and somebody still waits. */
export function mayFailOver(end: AttemptEnd): boolean {
  return end.kind === 'failed' && !NOT_THE_PROVIDERS.has(end.code);
}

const NOT_THE_PROVIDERS: ReadonlySet<FailureCode> = new Set([
  'request_cancelled',
  'reader_stalled',
  'request_timed_out',
  'unavailable',
]);
