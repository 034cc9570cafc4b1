/** Decisions that are remembered of one registration, beside those of operators. */
export const DECISIONS_KEPT_MAX = 50;
