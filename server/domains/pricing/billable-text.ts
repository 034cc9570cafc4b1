import { REPEATED_LINES_MAX, REPEATED_PERIOD_MAX, REPETITIONS_MAX } from './limits.ts';

/** Format characters, fillers and what no character is: nobody sees them. Joiners, which emoji and Persian need, are not among them. */
const INVISIBLE = /(?![\u200c\u200d])[\p{Cf}\p{Cn}\p{Co}\u115f\u1160\u2800\u3164\uffa0]+/gu;
/** Joiners that join nothing. */
const IDLE_JOINERS = /(?<=[\s\u200c\u200d])[\u200c\u200d]+/gu;
/** Marks on one character beyond what any script has. */
const STACKED_MARKS = /(\p{M}{8})\p{M}+/gu;

/**
 * What of an answer is counted: without what nobody sees, and of a few characters or a line that are repeated again and again as
 * much as an honest answer has. Takes time proportional to the length.
 */
export function billableText(text: string): string {
  let seen = text.replace(INVISIBLE, '').replace(IDLE_JOINERS, '').replace(STACKED_MARKS, '$1');
  for (let period = 1; period <= REPEATED_PERIOD_MAX; period++) seen = withoutRuns(seen, period);
  return withoutRepeatedLines(seen);
}

/** The part of an answer that is not counted, from 0 to 1. */
export function paddedShare(text: string): number {
  return text.length === 0 ? 0 : 1 - billableText(text).length / text.length;
}

/** Of so many characters that are repeated in a row, `REPETITIONS_MAX` repetitions. */
function withoutRuns(text: string, period: number): string {
  const kept: string[] = [];
  let keptTo = 0;
  let run = 0;
  for (let index = period; index <= text.length; index++) {
    const isRepeated = index < text.length && text.charCodeAt(index) === text.charCodeAt(index - period);
    if (isRepeated) {
      run++;
      continue;
    }
    const beyond = run - (REPETITIONS_MAX - 1) * period;
    if (beyond > 0) {
      kept.push(text.slice(keptTo, index - beyond));
      keptTo = index;
    }
    run = 0;
  }
  return kept.length === 0 ? text : kept.join('') + text.slice(keptTo);
}

function withoutRepeatedLines(text: string): string {
  if (!text.includes('\n')) return text;
  let before: string | null = null;
  let repetitions = 0;
  return text
    .split('\n')
    .filter((line) => {
      repetitions = line === before ? repetitions + 1 : 0;
      before = line;
      return repetitions < REPEATED_LINES_MAX;
    })
    .join('\n');
}
