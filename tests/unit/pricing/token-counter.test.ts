import { countTokens as reference } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { createTokenCounter } from '../../../server/domains/pricing/index.ts';
import { SLICE_CHARACTERS_MAX } from '../../../server/domains/pricing/limits.ts';
import { slicesOf } from '../../../server/domains/pricing/token-counter.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { createSeededRandom } from '../../support/random.ts';
import { exactTokenizer } from '../../support/tokenizer.ts';

const tenantId = asId<TenantId>('tenant');
const counter = createTokenCounter({ tokenizer: exactTokenizer });
const countTokens = (text: string) => counter.countText(tenantId, text);

describe('counting a text', () => {
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

describe('counting a prompt', () => {
  it("adds OpenAI's overhead for each message, a name, and the answer", async () => {
    // https://github.com/openai/openai-cookbook "How to count tokens with tiktoken", gpt-4o
    expect(await counter.countPrompt(tenantId, [], 100)).toBe(3);
    expect(await counter.countPrompt(tenantId, [{ role: 'user', text: 'hello' }], 100)).toBe(3 + 3 + 1 + 1);
    expect(await counter.countPrompt(tenantId, [{ role: 'user', text: 'hello', name: 'bob' }], 100)).toBe(
      3 + 3 + 1 + 1 + 1 + 1,
    );
  });

  it('stops where there are more tokens than anybody wants to know of', async () => {
    let characters = 0;
    const stopping = createTokenCounter({
      tokenizer: {
        countTokens: (portions) => {
          characters += portions.flat().join('').length;
          return exactTokenizer.countTokens(portions);
        },
      },
    });
    const text = 'word '.repeat(200_000);
    expect(await stopping.countPrompt(tenantId, [{ role: 'user', text }], 5_000)).toBeGreaterThan(5_000);
    expect(characters).toBeLessThan(100_000);
  });
});

describe('texts of several tenants', () => {
  const [busy, quiet] = [asId<TenantId>('busy'), asId<TenantId>('quiet')];

  it('are counted in turn, so that a short one does not wait for long ones', async () => {
    const counted: string[] = [];
    let calls = 0;
    const { countText } = createTokenCounter({
      tokenizer: {
        countTokens: (portions) => {
          calls++;
          return exactTokenizer.countTokens(portions);
        },
      },
    });
    const long = 'word '.repeat(100_000);
    const done = (name: string) => () => counted.push(`${name} after ${calls}`);
    const all = [
      ...Array.from({ length: 3 }, () => countText(busy, long).then(done('busy'))),
      countText(quiet, 'hello').then(done('quiet')),
    ];
    await Promise.all(all);
    // Of some fifty calls: one of the busy tenant's was at work, one had its turn, then came this one's.
    expect(counted[0]).toMatch(/^quiet after [34]$/);
    expect(counted).toHaveLength(4);
    expect(calls).toBeGreaterThan(40);
  });

  it('are counted together where they are short, and each fails by itself when the tokenizer does', async () => {
    const calls: string[] = [];
    const { countText } = createTokenCounter({
      tokenizer: {
        countTokens: async (portions) => {
          const text = portions.flat().join(' ');
          calls.push(text);
          if (text.includes('deadly')) throw new Error('gone');
          return portions.map(({ length }) => length);
        },
      },
    });
    const texts = ['first', 'one', 'deadly', 'two', ''];
    const results = await Promise.allSettled(
      texts.map((text, index) => countText(index % 2 === 0 ? busy : quiet, text)),
    );
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'rejected'))).toEqual([
      1,
      1,
      'rejected',
      1,
      0,
    ]);
    expect(calls).toEqual(['first', 'one deadly two', 'one', 'deadly', 'two', '']);
  });
});
