import { describe, expect, it } from 'vitest';
import { isDue, isTooLong, type Outcome, verdictOf } from '../../../server/domains/checks/rules.ts';

const outcome = (ownerId: string, decision: Outcome['decision'], isReference = false): Outcome => ({
  providerId: `provider of ${ownerId}`,
  ownerId,
  decision,
  isReference,
});

describe('the verdict', () => {
  it.each([
    ['unchecked', []],
    ['agrees', [outcome('a', 'same')]],
    ['differs', [outcome('a', 'other')]],
    ['differs', [outcome('a', 'other'), outcome('a', 'other')]],
    ['doubted', [outcome('a', 'other'), outcome('b', 'other')]],
    ['agrees', [outcome('a', 'other'), outcome('b', 'same')]],
    ['doubted', [outcome('a', 'same'), outcome('r', 'other', true)]],
    ['agrees', [outcome('a', 'other'), outcome('b', 'other'), outcome('r', 'same', true)]],
  ] as const)('is %s', (verdict, outcomes) => {
    expect(verdictOf(outcomes, () => true)).toBe(verdict);
  });

  it('leaves it open where those who differ differ from each other, and where no group is larger than its own', () => {
    const others = ['a', 'b', 'c', 'd'].map((owner) => outcome(owner, 'other'));
    expect(verdictOf(others, () => false)).toBe('differs');
    const inPairs = (one: Outcome, other: Outcome) =>
      [one.ownerId, other.ownerId].every((owner) => 'ab'.includes(owner)) ||
      [one.ownerId, other.ownerId].every((owner) => 'cd'.includes(owner));
    expect(verdictOf([...others, outcome('e', 'same')], inPairs)).toBe('differs');
    expect(verdictOf(others, inPairs)).toBe('doubted');
  });
});

it('checks after each answer until ten were good, then after fifty, and outliers after each', () => {
  expect(isDue(0, 0, false)).toBe(false);
  expect(isDue(1, 9, false)).toBe(true);
  expect(isDue(49, 10, false)).toBe(false);
  expect(isDue(50, 10, false)).toBe(true);
  expect(isDue(1, 10, true)).toBe(true);
});

it('takes answers for outliers that are three times as long as those of two other owners', () => {
  const offer = (ownerId: string, meanTokens: number, answers = 30) => ({
    providerId: ownerId,
    ownerId,
    model: 'm',
    givesLogprobs: false,
    answers,
    meanTokens,
    isOutlier: false,
  });
  const others = [offer('b', 100), offer('c', 110)];
  expect(isTooLong(offer('a', 400), others)).toBe(true);
  expect(isTooLong(offer('a', 250), others)).toBe(false);
  expect(isTooLong(offer('a', 400, 29), others)).toBe(false);
  expect(isTooLong(offer('a', 400), [offer('b', 100), offer('b', 100)])).toBe(false);
});
