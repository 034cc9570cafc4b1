import { describe, expect, it } from 'vitest';
import { CREDIT_BYTES } from '../../../server/domains/providers/index.ts';
import { AnswerBudget } from '../../../server/domains/requests/answer-budget.ts';
import { AnswerCredit } from '../../../server/domains/requests/answer-credit.ts';
import { type AccountId, asId } from '../../../server/kernel/ids.ts';
import { uuid } from '../../support/frames.ts';

const account = (number: number) => asId<AccountId>(uuid(number));
const budgetOf = (processBytesMax: number, accountBytesMax = processBytesMax) =>
  new AnswerBudget({ accountBytesMax, processBytesMax });
/** As much as an account can get, in steps of `step` bytes. */
const fill = (budget: AnswerBudget, number: number, step = 1): number => {
  let bytes = 0;
  while (budget.reserve(account(number), step)) bytes += step;
  return bytes;
};

describe('the memory of answers', () => {
  it('leaves room for one more account, however many fill their share', () => {
    const budget = budgetOf(10_000);
    const shares = Array.from({ length: 15 }, (_, number) => fill(budget, number));
    expect(shares.slice(0, 3)).toEqual([3_333, 2_222, 1_481]);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    expect(budget.reserve(account(0), 1)).toBe(false);
    for (const [number, bytes] of shares.entries()) budget.release(account(number), bytes);
    expect(budget.bytes).toBe(0);
  });

  it('is an account never more than its own bound', () => {
    expect(fill(budgetOf(10_000, 100), 1)).toBe(100);
  });
});

describe('the credit of an answer', () => {
  it('is given whole as soon as there is memory, though more was read meanwhile', () => {
    const budget = budgetOf(8 * CREDIT_BYTES);
    const credit = new AnswerCredit(budget, account(1), 0);
    expect(credit.reserve()).toBe(true);
    let grantedBytes = 0;
    credit.grantWith((bytes) => {
      grantedBytes += bytes;
    });
    const others = [2, 3, 4, 5].map((number) => [number, fill(budget, number, 1_024)] as const);
    credit.readerTook(CREDIT_BYTES / 2);
    credit.readerTook(CREDIT_BYTES / 2);
    expect(grantedBytes).toBe(0);
    for (const [number, bytes] of others) budget.release(account(number), bytes);
    expect(grantedBytes).toBe(CREDIT_BYTES);
    credit.close();
    expect(budget.bytes).toBe(0);
  });

  it('that is closed while it waits for memory takes none', () => {
    const budget = budgetOf(8 * CREDIT_BYTES);
    const credit = new AnswerCredit(budget, account(1), 0);
    credit.reserve();
    const others = [2, 3, 4, 5].map((number) => [number, fill(budget, number, 1_024)] as const);
    credit.readerTook(CREDIT_BYTES);
    credit.close();
    credit.readerTook(CREDIT_BYTES);
    for (const [number, bytes] of others) budget.release(account(number), bytes);
    expect(budget.bytes).toBe(0);
  });
});
