import { describe, expect, it } from 'vitest';
import { billableText, paddedShare } from '../../../server/domains/pricing/index.ts';

describe('what of an answer is counted', () => {
  it.each([
    ['4,000 zero-width characters', '\u200b'.repeat(4_000), ''],
    [
      'invisible characters of many kinds in a row',
      `a${'\u200b\u2060\ufeff\u3164\u{e0041}'.repeat(900)}b`,
      'ab',
    ],
    ['marks stacked on a letter', `e${'\u0301'.repeat(4_000)}`, `e${'\u0301'.repeat(8)}`],
    ['one character again and again', ' '.repeat(4_000), ' '.repeat(256)],
    ['a few characters again and again', 'la '.repeat(4_000), 'la '.repeat(256)],
    ['spaces with something between them', ` ${'\u200b'}`.repeat(4_000), ' '.repeat(256)],
    ['joiners that join nothing', ' \u200d'.repeat(4_000), ' '.repeat(256)],
    ['one line again and again', 'word\n'.repeat(4_000), `${'word\n'.repeat(16)}`],
  ])('has no padding: %s', (_, text, counted) => {
    expect(billableText(text)).toBe(counted);
    expect(paddedShare(text)).toBeGreaterThan(0.9);
  });

  it.each([
    [
      'emoji joined to a family',
      'My family: 👩‍👩‍👧‍👦, my flag: 🏴󠁧󠁢󠁳󠁣󠁴󠁿'.replace(/\u{e007f}|[\u{e0061}-\u{e007a}]/gu, ''),
    ],
    ['Persian with a joiner in it', 'می‌خواهم بروم'],
    ['a table and a line across the page', `| a | b |\n|---|---|\n${'-'.repeat(120)}\n`],
    ['code, German, Chinese and Thai', 'if (x) {\n    return 1;\n}\nGrüße, 你好世界, ที่นี่'],
  ])('is all of an honest one: %s', (_, text) => {
    expect(billableText(text)).toBe(text);
  });
});
