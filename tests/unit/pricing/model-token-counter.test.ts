import { describe, expect, it } from 'vitest';
import { longSlicesOf } from '../../../server/domains/pricing/token-counter.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { createExactCounter } from '../../support/tokenizer.ts';

const tenantId = asId<TenantId>('tenant');
const counter = (countTokens: (slices: readonly string[]) => number) =>
  createExactCounter({
    tokenizerOf: (model) => (model === 'm' ? 'hash' : null),
    countTokens: async (_, portions) => portions.map(countTokens),
  });
const characters = (slices: readonly string[]) => slices.reduce((sum, { length }) => sum + length, 0);

describe('counting with the tokenizer of a model', () => {
  it('counts text and prompt with it, others with o200k_base', async () => {
    const tokens = counter(characters);
    expect(tokens.tokenizerOf('m')).toBe('hash');
    expect(tokens.tokenizerOf('n')).toBe(null);
    expect(await tokens.countText(tenantId, 'hello', 'hash')).toBe(5);
    expect(await tokens.countText(tenantId, 'hello')).toBe(1);
    expect(await tokens.countPrompt(tenantId, [{ role: 'user', text: 'hello' }], 100, 'hash')).toBe(15);
    expect(tokens.countedBy('hash')).toBe('hash');
  });

  it('counts with o200k_base from then on where it fails, and says so', async () => {
    const tokens = counter(() => {
      throw new Error('too slow');
    });
    expect(await tokens.countText(tenantId, 'hello', 'hash')).toBe(1);
    expect(tokens.countedBy('hash')).toBe(null);
    expect(tokens.tokenizerOf('m')).toBe(null);
  });

  it('asks one that has failed again after a minute, then after twice as long, until it counts', async () => {
    const clock = new FakeClock();
    let works = false;
    const models = {
      tokenizerOf: () => 'hash',
      countTokens: async (_: string, portions: readonly (readonly string[])[]) => {
        if (!works) throw new Error('the database is away');
        return portions.map(characters);
      },
    };
    const tokens = createExactCounter(models, clock);
    const rest = async (ms: number) => {
      expect(await tokens.countText(tenantId, 'hello', tokens.tokenizerOf('m'))).toBe(1);
      clock.advance(ms - 1);
      expect(tokens.tokenizerOf('m')).toBe(null);
      clock.advance(1);
      expect(tokens.tokenizerOf('m')).toBe('hash');
    };
    await rest(60_000);
    await rest(120_000);
    works = true;
    expect(await tokens.countText(tenantId, 'hello', 'hash')).toBe(5);
    works = false;
    await rest(60_000);
  });

  it('asks a tokenizer that has failed for nothing that waited behind', async () => {
    let asked = 0;
    const tokens = counter(() => {
      asked++;
      throw new Error('too slow');
    });
    const texts = Array.from({ length: 20 }, () => tokens.countText(tenantId, 'hello', 'hash'));
    expect(await Promise.all(texts)).toEqual(texts.map(() => 1));
    expect(asked).toBe(1);
  });
});

describe('longSlicesOf', () => {
  it.each([
    ['prose', 'The quick brown fox. '.repeat(2_000)],
    ['lines', '敏捷的棕色狐狸\n'.repeat(3_000)],
    ['no space', '漢'.repeat(50_000)],
    ['pairs of halves', '🙂'.repeat(20_000)],
  ])('loses nothing of %s, splits no character and keeps slices short', (_, text) => {
    const slices = [...longSlicesOf(text)];
    expect(slices.join('')).toBe(text);
    for (const slice of slices) {
      expect(slice.length).toBeLessThanOrEqual(16_385);
      expect(Buffer.from(slice).toString()).toBe(slice);
    }
  });

  it('cuts before a space, or behind the end of a line', () => {
    for (const text of ['The quick brown fox. '.repeat(2_000), '敏捷的棕色狐狸\n'.repeat(3_000)]) {
      const [, ...others] = longSlicesOf(text);
      expect(others.length).toBeGreaterThan(1);
      for (const slice of others) expect([' ', '敏']).toContain(slice[0]);
    }
  });
});
