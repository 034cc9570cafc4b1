import { expect, it } from 'vitest';
import { CREDIT_BYTES } from '../../../server/domains/providers/index.ts';
import { AnswerBudget } from '../../../server/domains/requests/answer-budget.ts';
import { AnswerCredit } from '../../../server/domains/requests/answer-credit.ts';
import { type AccountId, asId } from '../../../server/kernel/ids.ts';

const accountId = asId<AccountId>('00000000-0000-4000-8000-000000000001');

/** The credit of a request in a memory that has room for so many bytes of it. */
function creditIn(accountBytesMax: number) {
  const budget = new AnswerBudget({ accountBytesMax, processBytesMax: 100 * CREDIT_BYTES });
  const credit = new AnswerCredit(budget, accountId, 10);
  expect(credit.reserve()).toBe(true);
  const granted = [0];
  credit.grantWith((bytes) => void granted.push(bytes));
  const sum = () => granted.reduce((all, bytes) => all + bytes);
  return { budget, credit, sum };
}

it('who goes on gets the credit that is left, though there is no more memory', () => {
  const { budget, credit, sum } = creditIn(10 + CREDIT_BYTES);
  credit.beginAgain(1_000);
  expect(sum()).toBe(CREDIT_BYTES - 1_000);
  expect(budget.bytes).toBe(10 + CREDIT_BYTES);
});

it('who goes on gets what was due to the one before as soon as there is memory for it', () => {
  const { budget, credit, sum } = creditIn(10 + CREDIT_BYTES + CREDIT_BYTES / 4);
  expect(budget.reserve(accountId, 1)).toBe(true);
  credit.readerTook(CREDIT_BYTES / 4);
  credit.beginAgain(0);
  expect(sum()).toBe((CREDIT_BYTES * 3) / 4);
  budget.release(accountId, 1);
  expect(sum()).toBe(CREDIT_BYTES);
  credit.close();
  expect(budget.bytes).toBe(0);
});
