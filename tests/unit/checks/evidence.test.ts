import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareAnswers, decisionOf, evidenceOf } from '../../../server/domains/checks/evidence.ts';
import type { CheckedAnswer } from '../../../server/domains/checks/types.ts';
import { createSeededRandom } from '../../support/random.ts';

const AUDITED_TOKENS = 300;
const TESTS = 5_000;

type Run = { readonly answers: readonly (readonly (readonly [string, number])[])[] };
const { runs } = JSON.parse(readFileSync('tests/vectors/model-checks.json', 'utf8')) as {
  readonly runs: Readonly<Record<'reference' | 'honest' | 'q4_0' | 'q2_k', Run>>;
};

const answersOf = ({ answers }: Run, hasLogprobs: boolean): CheckedAnswer[] =>
  answers.map((tokens) => ({
    text: tokens.map(([token]) => token).join(''),
    tokens: hasLogprobs ? tokens.map(([token, logprob]) => ({ token, logprob })) : null,
  }));

/** The share of tests that take a run for another model, none with more tokens than are audited. */
function shareTakenForOther(name: keyof typeof runs, hasLogprobs: boolean): number {
  const random = createSeededRandom(1);
  const reference = answersOf(runs.reference, hasLogprobs);
  const answers = answersOf(runs[name], hasLogprobs);
  let taken = 0;
  for (let test = 0; test < TESTS; test++) {
    let evidence = 0;
    for (let tokens = 0; ; ) {
      const at = Math.floor(random.fraction() * answers.length);
      tokens += runs[name].answers[at]?.length ?? 0;
      if (tokens > AUDITED_TOKENS) break;
      evidence += evidenceOf(compareAnswers(answers[at] as CheckedAnswer, reference[at] as CheckedAnswer));
      if (decisionOf(evidence) !== null) break;
    }
    if (decisionOf(evidence) === 'other') taken++;
  }
  return taken / TESTS;
}

describe('answers of a real model in two quantizations', () => {
  it.each(['q4_0', 'q2_k'] as const)('find %s within 300 audited tokens, with logprobs', (name) => {
    expect(shareTakenForOther(name, true)).toBeGreaterThan(0.999);
  });

  it.each(['q4_0', 'q2_k'] as const)(
    'find %s within 300 audited tokens by text alone, nearly always',
    (name) => {
      expect(shareTakenForOther(name, false)).toBeGreaterThan(0.99);
    },
  );

  it.each([true, false])(
    'take the same one under other settings for another in 1 %% at most (logprobs: %s)',
    (has) => {
      expect(shareTakenForOther('honest', has)).toBeLessThanOrEqual(0.01);
      expect(shareTakenForOther('reference', has)).toBe(0);
    },
  );
});

describe('comparing', () => {
  const token = (text: string, logprob = -1) => ({ token: text, logprob });
  const scored = (...tokens: ReturnType<typeof token>[]): CheckedAnswer => ({ text: '', tokens });
  const plain = (text: string): CheckedAnswer => ({ text, tokens: null });

  it('ends with the first other token, and counts one whose logprob is far from the other’s', () => {
    const one = scored(token('a'), token('b', -0.5), token('c'), token('d'));
    const other = scored(token('a'), token('b', -1), token('x'), token('d'));
    expect(compareAnswers(one, other)).toEqual({ comparedTokens: 3, differences: 2 });
    expect(compareAnswers(other, one)).toEqual({ comparedTokens: 3, differences: 2 });
  });

  it('compares texts where one of them has no logprobs, without the last piece, which may be cut', () => {
    expect(compareAnswers(plain('The cat sat'), plain('The cat sa'))).toEqual({
      comparedTokens: 2,
      differences: 0,
    });
    expect(compareAnswers(plain('The cat sat on'), plain('The dog sat on'))).toEqual({
      comparedTokens: 2,
      differences: 1,
    });
    expect(compareAnswers(plain(''), scored())).toEqual({ comparedTokens: 0, differences: 0 });
  });
});
