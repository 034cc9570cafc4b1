import { InvariantError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import { CODE_ALPHABET, CODE_GROUP_LETTERS } from './limits.ts';

/**
 * A code of letters by chance, in groups: `BCDF-GHJK`. Each letter is as likely as the others: bytes that would make some likelier are passed
 * over.
 */
export function makeLetterCode(letters: number, random: Random): string {
  const fair = 256 - (256 % CODE_ALPHABET.length);
  let code = '';
  for (let count = 0; count < letters; ) {
    const [byte] = random.bytes(1);
    if (byte === undefined) throw new InvariantError('no random byte');
    if (byte >= fair) continue;
    if (count > 0 && count % CODE_GROUP_LETTERS === 0) code += '-';
    code += CODE_ALPHABET[byte % CODE_ALPHABET.length];
    count++;
  }
  return code;
}

/** The code as it is compared: people type small letters, and leave out what groups them. */
export function canonicalLetterCode(code: string): string {
  return code.toUpperCase().replaceAll(/[^A-Z]/g, '');
}
