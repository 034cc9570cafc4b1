import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NAME_CHARACTERS_MAX, toName } from '../../../server/kernel/name.ts';

describe('toName', () => {
  it.each([
    ['plain text', 'Living room', 'Living room'],
    ['spaces at its ends', '  Lamp ', 'Lamp'],
    ['another script', 'Küche, 台所, кухня, مطبخ', 'Küche, 台所, кухня, مطبخ'],
    ['text in NFD, as its NFC', 'cafe\u0301', 'caf\u00e9'],
    ['an emoji outside the first plane', '💡', '💡'],
    ['an emoji in colour', 'I \u2764\uFE0F it', 'I \u2764\uFE0F it'],
    ['100 characters of two UTF-16 units each', '💡'.repeat(100), '💡'.repeat(100)],
  ])('takes %s', (_, text, name) => {
    expect(toName(text)).toEqual({ ok: true, name });
  });

  it.each([
    ['half a character', 'x\ud83d', 'not_unicode'],
    ['the other half', '\udca1x', 'not_unicode'],
    ['a line feed', 'x\n', 'control_character'],
    ['a null', 'x\u0000y', 'control_character'],
    ['a line separator', 'x\u2028y', 'control_character'],
    ['a zero-width space alone', '\u200b', 'format_character'],
    ['a right-to-left override', 'x\u202ey', 'format_character'],
    ['a soft hyphen', 'x\u00ady', 'format_character'],
    ['an invisible letter', '\u3164', 'format_character'],
    ['a variation selector after a letter', 'a\ufe0f', 'format_character'],
    ['a no-break space', 'x\u00a0y', 'space_character'],
    ['damaged text', 'x\ufffd', 'replacement_character'],
    ['a private character', '\ue000', 'private_character'],
    ['a noncharacter', 'x\uffff', 'private_character'],
    ['nothing', '', 'not_visible'],
    ['spaces', '   ', 'not_visible'],
    ['a mark that stands on nothing', '\u0301', 'not_visible'],
    ['a blank braille pattern', '\u2800', 'not_visible'],
    ['101 characters', 'x'.repeat(NAME_CHARACTERS_MAX + 1), 'too_long'],
  ])('refuses %s and says why', (_, text, problem) => {
    expect(toName(text)).toEqual({ ok: false, problem });
  });

  it('gives the same name for a name, whatever text it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (text) => {
        const outcome = toName(text);
        if (!outcome.ok) return;
        expect(toName(outcome.name)).toEqual(outcome);
        expect(outcome.name).toBe(outcome.name.normalize('NFC'));
        expect([...outcome.name].length).toBeLessThanOrEqual(NAME_CHARACTERS_MAX);
        expect(Buffer.from(outcome.name).toString()).toBe(outcome.name);
      }),
      { numRuns: 2_000 },
    );
  });
});
