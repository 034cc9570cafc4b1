import type { CheckableOffer } from '../providers/index.ts';
import { ANSWER_KEPT_MS, MODELS_KEPT_MAX, PROMPTS_KEPT_MAX } from './limits.ts';
import type { CheckedAnswer, CheckQuestion } from './types.ts';

/** An answer that is kept, with whose it is. */
export interface RecordedAnswer {
  readonly providerId: string;
  readonly ownerId: string;
  readonly answer: CheckedAnswer;
  readonly atMs: number;
}

interface Asked {
  readonly question: CheckQuestion;
  readonly answers: RecordedAnswer[];
}

/** What providers have answered to checks, by model: each is asked a question once, and compared with others who were asked the same. */
export class AnswerBank {
  readonly #models = new Map<string, Asked[]>();

  /** A question that others have answered and this provider hasn't, the newest first; null: there is none. */
  openQuestion({ model, providerId, ownerId }: CheckableOffer, nowMs: number): CheckQuestion | null {
    const open = this.#of(model).findLast(
      ({ answers }) =>
        answers.some((one) => one.ownerId !== ownerId && nowMs - one.atMs < ANSWER_KEPT_MS) &&
        !answers.some((one) => one.providerId === providerId),
    );
    return open?.question ?? null;
  }

  /** True: this was asked already, perhaps with another seed. */
  knows(model: string, prompt: string): boolean {
    return this.#of(model).some(({ question }) => question.prompt === prompt);
  }

  /** Questions that this provider has answered and nobody of another owner has. */
  unanswered({ model, providerId, ownerId }: CheckableOffer): number {
    return this.#of(model).filter(
      ({ answers }) =>
        answers.some((one) => one.providerId === providerId) &&
        answers.every((one) => one.ownerId === ownerId),
    ).length;
  }

  /** Keeps an answer, and returns those of other owners to the same question. */
  add(question: CheckQuestion, recorded: RecordedAnswer): readonly RecordedAnswer[] {
    const asked = this.#of(question.model);
    let known = asked.find((one) => one.question.prompt === question.prompt);
    if (known === undefined) {
      known = { question, answers: [] };
      asked.push(known);
      if (asked.length > PROMPTS_KEPT_MAX) asked.shift();
    }
    const others = known.answers.filter(
      ({ ownerId, atMs }) => ownerId !== recorded.ownerId && recorded.atMs - atMs < ANSWER_KEPT_MS,
    );
    known.answers.push(recorded);
    return others;
  }

  #of(model: string): Asked[] {
    const known = this.#models.get(model) ?? [];
    this.#models.delete(model);
    this.#models.set(model, known);
    const [oldest] = this.#models.keys();
    if (this.#models.size > MODELS_KEPT_MAX && oldest !== undefined) this.#models.delete(oldest);
    return known;
  }
}
