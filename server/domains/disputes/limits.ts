import { DAY_MS } from '../../kernel/clock.ts';

/** How long providers have to answer, in milliseconds: then who asked gets back everything. */
export const ANSWER_MS = 3 * DAY_MS;
/** When a dispute that was answered ends undecided, in milliseconds since it was opened: then nothing is given back. */
export const DECISION_MS = 14 * DAY_MS;
/** Disputes that an account may have open: each ties up somebody's earnings. */
export const OPEN_DISPUTES_MAX = 10;
/** Disputes that an account may open in `RECENT_MS`. Who disputes more of what he buys should buy elsewhere. */
export const RECENT_DISPUTES_MAX = 30;
export const RECENT_MS = 30 * DAY_MS;
/** Characters of one statement. */
export const STATEMENT_CHARACTERS_MAX = 2_000;
/** Statements of each side of a dispute. */
export const STATEMENTS_MAX = 5;
/** Disputes of one page. */
export const DISPUTES_PAGE_MAX = 100;
/** Disputes that one round of the job decides. */
export const DUE_PAGE = 100;
