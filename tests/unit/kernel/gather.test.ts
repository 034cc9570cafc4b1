import { describe, expect, it } from 'vitest';
import { gather } from '../../../server/kernel/gather.ts';

/** Doubles numbers; each call waits until the test answers it. */
function doubling(questionsMax = 100) {
  const calls: { readonly questions: readonly number[]; answer(): void; fail(error: Error): void }[] = [];
  const double = gather(
    (questions: readonly number[]) =>
      new Promise<readonly (number | Promise<number>)[]>((resolve, reject) => {
        const answer = () =>
          resolve(questions.map((each) => (each < 0 ? Promise.reject(new Error('negative')) : 2 * each)));
        calls.push({ questions, answer, fail: reject });
      }),
    questionsMax,
  );
  return { double, calls };
}

describe('questions that are asked at the same time', () => {
  it('go out in one call, after the first one, and each gets its own answer', async () => {
    const { double, calls } = doubling();
    const answers = [1, 2, 3, 4].map(double);
    expect(calls.map(({ questions }) => questions)).toEqual([[1]]);
    calls[0]?.answer();
    expect(await answers[0]).toBe(2);
    calls[1]?.answer();
    expect(await Promise.all(answers)).toEqual([2, 4, 6, 8]);
    expect(calls.map(({ questions }) => questions)).toEqual([[1], [2, 3, 4]]);
  });

  it('never join a call that began before them', async () => {
    const { double, calls } = doubling();
    const first = double(1);
    const second = double(1);
    calls[0]?.answer();
    await first;
    expect(calls.length).toBe(2);
    calls[1]?.answer();
    expect(await second).toBe(2);
  });

  it('go out in several calls where they are more than one takes', async () => {
    const { double, calls } = doubling(2);
    const answers = [1, 2, 3, 4].map(double);
    for (let call = 0; call < 3; call++) {
      calls[call]?.answer();
      await Promise.resolve(answers[Math.min(2 * call, 3)]);
    }
    expect(await Promise.all(answers)).toEqual([2, 4, 6, 8]);
    expect(calls.map(({ questions }) => questions)).toEqual([[1], [2, 3], [4]]);
  });

  it('fail together where the call fails, and those that come after it are asked', async () => {
    const { double, calls } = doubling();
    const [first, second, third] = [double(1), double(2), double(3)];
    calls[0]?.answer();
    await first;
    calls[1]?.fail(new Error('the database is gone'));
    await expect(second).rejects.toThrow('the database is gone');
    await expect(third).rejects.toThrow('the database is gone');
    const later = double(4);
    calls[2]?.answer();
    expect(await later).toBe(8);
  });

  it('fail alone where their own answer does', async () => {
    const { double, calls } = doubling();
    const [first, wrong, right] = [double(1), double(-1), double(3)];
    calls[0]?.answer();
    await first;
    calls[1]?.answer();
    await expect(wrong).rejects.toThrow('negative');
    expect(await right).toBe(6);
  });
});
