import { countTokens as reference } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { countPromptTokens, countTokens } from '../../../server/domains/pricing/index.ts';
import { SLICE_CHARACTERS_MAX } from '../../../server/domains/pricing/limits.ts';
import { slicesOf } from '../../../server/domains/pricing/token-counter.ts';
import { createSeededRandom } from '../../support/random.ts';

describe('countTokens', () => {
  it.each([
    ['nothing', ''],
    ['a word', 'hello'],
    ['prose of many slices', 'The quick brown fox, aged 12, jumps over the lazy dog.\n'.repeat(500)],
    ['code', 'function f(a: number) {\n  return a ** 2; // 漢字 🙂\n}\n'.repeat(300)],
    ['control tokens, as the text they are', 'x<|endoftext|>y'],
  ])('counts %s as the tokenizer does', async (_, text) => {
    const asText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
    expect(await countTokens(text)).toBe(reference(text, asText));
  });

  it('is off by at most a token for each piece of an unbroken run', async () => {
    const text = 'a'.repeat(2_000);
    const exact = reference(text);
    const counted = await countTokens(text);
    expect(counted).toBeGreaterThanOrEqual(exact);
    expect(counted - exact).toBeLessThanOrEqual(Math.ceil(2_000 / 128));
  });

  it.each(['a', ' ', '漢', '\ud800', '🙂', '.'])(
    'counts 200,000 times %j without keeping others from their turn',
    async (piece) => {
      let longestMs = 0;
      let lastMs = performance.now();
      let counting = true;
      const watch = () => {
        const nowMs = performance.now();
        longestMs = Math.max(longestMs, nowMs - lastMs);
        lastMs = nowMs;
        if (counting) setImmediate(watch);
      };
      setImmediate(watch);
      expect(await countTokens(piece.repeat(200_000))).toBeGreaterThan(0);
      counting = false;
      expect(longestMs).toBeLessThan(500);
    },
  );

  it('cuts text without losing or splitting a character', () => {
    for (const text of ['🙂'.repeat(3_000), `${'word '.repeat(5_000)}${'x'.repeat(5_000)}`, '\n\n  a']) {
      const slices = [...slicesOf(text)];
      expect(slices.join('')).toBe(text);
      for (const slice of slices) expect(Buffer.from(slice).toString()).toBe(slice);
    }
  });
});

describe('slicesOf', () => {
  it.each(['1 ', '1\n', 'a\t', '. '])('keeps every slice of %j short', (piece) => {
    const lengths = [...slicesOf(piece.repeat(50_000))].map((slice) => slice.length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(SLICE_CHARACTERS_MAX);
  });

  it('keeps the count of letters, digits, signs and spaces of every kind', async () => {
    const random = createSeededRandom(1);
    const pieces = [
      ' ',
      ' ',
      'a',
      'é',
      'ф',
      '漢',
      '🙂',
      '.',
      '!',
      '\n',
      '\t',
      '1',
      "'s",
      '\u2028',
      '\u00a0',
      '\ufeff',
    ];
    const text = Array.from({ length: 30_000 }, () => pieces[Math.floor(random.fraction() * pieces.length)]);
    expect(await countTokens(text.join(''))).toBe(reference(text.join('')));
  });
});

describe('countPromptTokens', () => {
  it("adds OpenAI's overhead for each message, a name, and the answer", async () => {
    // https://github.com/openai/openai-cookbook "How to count tokens with tiktoken", gpt-4o
    expect(await countPromptTokens([])).toBe(3);
    expect(await countPromptTokens([{ role: 'user', text: 'hello' }])).toBe(3 + 3 + 1 + 1);
    expect(await countPromptTokens([{ role: 'user', text: 'hello', name: 'bob' }])).toBe(
      3 + 3 + 1 + 1 + 1 + 1,
    );
  });
});
