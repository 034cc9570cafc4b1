import { describe, expect, it } from 'vitest';
import { billableText, billableTextInTurn } from '../../../server/domains/pricing/index.ts';

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
    ['control characters, in no pattern', '\u0001\u0002\u0003\u0004\u0005\u007f\u0085'.repeat(900), ''],
    ['one line again and again', 'word\n'.repeat(4_000), `${'word\n'.repeat(16)}`],
  ])('has no padding: %s', (_, text, counted) => {
    expect(billableText(text)).toBe(counted);
  });

  it.each([
    ['joiners between Latin letters', '\u200d'],
    ['non-joiners between Latin letters', '\u200c'],
    ['grapheme joiners', '\u034f'.repeat(8)],
    ['variation selectors', '\ufe0f\ufe00\u{e0100}'],
    ['Mongolian selectors', '\u180b\u180c'],
  ])('has no padding on every letter: %s', (_, padding) => {
    const honest = 'Good day, 你好, 1 + 1 = 2.';
    const padded = [...honest].map((character) => character + padding).join('');
    expect(billableText(padded)).toBe(honest);
  });

  it.each([
    ['emoji of every kind', '❤️ ☎️ 1️⃣ #️⃣ 👍🏽 👨🏿‍🚀 🏳️‍🌈 ❤️‍🔥 🇩🇪 ✈︎'],
    ['Mongolian with a selector', 'ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ\u180b'],
    ['Hindi and Sinhala with joiners', 'क्‍ष क्‌ष ශ්‍රී'],
    ['Arabic and Hebrew with all marks', 'بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ ٱلرَّحِيمِ בְּרֵאשִׁ֖ית בָּרָ֣א'],
    ['Vietnamese taken apart', 'Tiếng Việt'.normalize('NFD')],
    ['JSON with indentation', JSON.stringify({ a: { b: [[[{ c: [1, 2, { d: null }] }]]] } }, null, 8)],
    ['base64 of nothing', `data:${Buffer.alloc(180).toString('base64')}`],
    ['a number with many zeros', `1${'0'.repeat(100)}`],
    ['laughter', 'ha '.repeat(60)],
    ['a table of the same rows', '| 0 | 0 |\r\n'.repeat(16)],
    ['ASCII art', `${' '.repeat(40)}/\\_/\\\n${' '.repeat(39)}( o.o )\n\t> ^ <\n`],
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

  it('is the same of a long answer, which leaves others their turn', async () => {
    const honest = Array.from({ length: 20_000 }, (_, line) => `line ${line} 👍🏽`).join('\n');
    let turns = 0;
    const others = () => {
      turns++;
      waiting = setImmediate(others);
    };
    let waiting = setImmediate(others);
    const counted = await billableTextInTurn(`${honest}${'\u200b'.repeat(200_000)}`);
    clearImmediate(waiting);
    expect(counted).toBe(honest);
    expect(turns).toBeGreaterThan(4);
  });
});
