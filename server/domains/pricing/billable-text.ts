import {
  BILLABLE_AT_ONCE_CHARACTERS,
  BILLABLE_PORTION_CHARACTERS,
  REPEATED_LINES_MAX,
  REPEATED_PERIOD_MAX,
  REPETITIONS_MAX,
} from './limits.ts';

/** Control and format characters, fillers and what no character is: nobody sees them. Joiners and selectors are looked at below. */
const INVISIBLE =
  /(?:(?!\u200c|\u200d|[\t\n\r\p{Extended_Pictographic}])[\p{Cc}\p{Cf}\p{Cn}\p{Co}\u115f\u1160\u2800\u3164\uffa0]|\u034f|\u17b4|\u17b5)+/gu;
/** Selectors of another shape, but for one behind an emoji, a number that becomes one, or a Mongolian letter. */
const IDLE_SELECTORS =
  /(?<!\p{Extended_Pictographic})(?!\ufe0f\u20e3)[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]+|(?<![\u1820-\u18aa])[\u180b-\u180d\u180f]+/gu;
/** Joiners behind what they can't join: emoji need them, and the scripts of Arabia and India. */
const IDLE_JOINERS =
  /(?<!\ufe0f|[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Mongolian}\p{sc=Devanagari}\p{sc=Bengali}\p{sc=Gurmukhi}\p{sc=Gujarati}\p{sc=Oriya}\p{sc=Tamil}\p{sc=Telugu}\p{sc=Kannada}\p{sc=Malayalam}\p{sc=Sinhala}\p{sc=Tibetan}\p{sc=Myanmar}\p{sc=Khmer}])[\u200c\u200d]+/gu;
/** Marks on one character beyond what any script has. */
const STACKED_MARKS = /(\p{M}{8})\p{M}+/gu;

/**
 * What of an answer is counted: without what nobody sees, and of a few characters or a line that are repeated again and again as
 * much as an honest answer has. Takes time proportional to the length.
 */
export function billableText(text: string): string {
  let seen = text
    .replace(INVISIBLE, '')
    .replace(IDLE_SELECTORS, '')
    .replace(IDLE_JOINERS, '')
    .replace(STACKED_MARKS, '$1');
  for (let period = 1; period <= REPEATED_PERIOD_MAX; period++) seen = withoutRuns(seen, period);
  return withoutRepeatedLines(seen);
}

/** As `billableText`, a portion at a time: while a long answer is looked at, others have their turn. */
export async function billableTextInTurn(text: string): Promise<string> {
  if (text.length <= BILLABLE_AT_ONCE_CHARACTERS) return billableText(text);
  const portions: string[] = [];
  for (let from = 0; from < text.length; ) {
    let to = from + BILLABLE_PORTION_CHARACTERS;
    if (isHighSurrogate(text.charCodeAt(to - 1))) to++;
    portions.push(billableText(text.slice(from, to)));
    from = to;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return portions.join('');
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
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
