/** The longest name of a user, a network or a device, in characters. */
export const NAME_CHARACTERS_MAX = 100;

/** Why a text is no name; the order is that of the questions. */
export type NameProblem =
  | 'not_unicode'
  | 'control_character'
  | 'format_character'
  | 'space_character'
  | 'replacement_character'
  | 'private_character'
  | 'not_visible'
  | 'too_long';

/** What is said of each problem to who gave the name. */
export const NAME_PROBLEMS: Readonly<Record<NameProblem, string>> = {
  not_unicode: 'holds half of a character (a surrogate without its other half)',
  control_character: 'holds a control character',
  format_character: 'holds a character that shows nothing and changes how others are shown',
  space_character: 'holds another space than the ordinary one',
  replacement_character: 'holds U+FFFD, which stands for text that was damaged',
  private_character: 'holds a character that has no meaning of its own',
  not_visible: 'shows nothing',
  too_long: 'is too long',
};

/** A name as it is stored, or why it is none. */
export type NameOutcome =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly problem: NameProblem };

/**
 * A name in the one form it is stored in: normalized to NFC (UAX 15), without ordinary spaces at its ends, so that two
 * names that look alike are the same text. Refuses what can't be seen or would change how other text is shown.
 */
export function toName(text: string, charactersMax: number = NAME_CHARACTERS_MAX): NameOutcome {
  const problem = findProblem(text);
  if (problem !== null) return { ok: false, problem };
  const name = text.normalize('NFC').replace(/^ +| +$/g, '');
  if (!VISIBLE.test(name)) return { ok: false, problem: 'not_visible' };
  // Counted as the database counts them: code points, not UTF-16 units.
  if ([...name].length > charactersMax) return { ok: false, problem: 'too_long' };
  return { ok: true, name };
}

function findProblem(text: string): NameProblem | null {
  for (const [problem, pattern] of PATTERNS) if (pattern.test(text)) return problem;
  return null;
}

const PATTERNS: readonly (readonly [NameProblem, RegExp])[] = [
  ['not_unicode', /\p{Cs}/u],
  ['control_character', /[\p{Cc}\p{Zl}\p{Zp}]/u],
  // U+FE0F asks for the coloured form of the emoji before it, and is part of how people type them.
  ['format_character', /(?!(?<=\p{Emoji})\uFE0F)[\p{Cf}\p{Default_Ignorable_Code_Point}]/u],
  ['space_character', /(?! )\p{Zs}/u],
  ['replacement_character', /\uFFFD/u],
  ['private_character', /[\p{Co}\p{Noncharacter_Code_Point}]/u],
];

/** Something beside spaces, and marks that stand on nothing. */
const VISIBLE = /[^\p{M}\p{Z}\u2800]/u;
