/** One question and who waits for its answer. */
interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer | PromiseLike<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks together what is asked at the same time. A question that comes alone is asked at once; those that come while it is
 * under way are asked in one call after it, `questionsMax` at most. A question is never put to a call that began before it, so
 * an answer is never older than its question. `ask` gives an answer for each, in their order; where it gives a promise, that
 * question fails alone, and where it rejects, all of its questions do.
 */
export function gather<Question, Answer>(
  ask: (questions: readonly Question[]) => Promise<readonly (Answer | PromiseLike<Answer>)[]>,
  questionsMax: number,
): (question: Question) => Promise<Answer> {
  let waiting: Waiting<Question, Answer>[] = [];
  let isAsking = false;

  async function askWaiting(): Promise<void> {
    isAsking = true;
    while (waiting.length > 0) {
      const asked = waiting.slice(0, questionsMax);
      waiting = waiting.slice(questionsMax);
      try {
        const answers = await ask(asked.map(({ question }) => question));
        for (const [index, { resolve }] of asked.entries()) resolve(answers[index] as Answer);
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    isAsking = false;
  }

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      if (!isAsking) void askWaiting();
    });
}
