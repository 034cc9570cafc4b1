import type { JsonObject } from '../../kernel/json.ts';

/** Which of a transport's answers it is; ids of several kinds don't meet. */
export type AnswerKind = 'response' | 'request';

/** An answer to keep. */
export interface AnswerToKeep {
  readonly kind: AnswerKind;
  /** A UUID. */
  readonly id: string;
  /** False: it is at work, and `end` writes how it ended. */
  readonly hasEnded: boolean;
  readonly content: JsonObject;
}

/** An answer as it was kept. */
export interface StoredAnswer {
  readonly id: string;
  readonly hasEnded: boolean;
  readonly content: JsonObject;
}
