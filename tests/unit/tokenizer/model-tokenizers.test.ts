import { afterEach, describe, expect, it } from 'vitest';
import { createModelTokenizers } from '../../../server/platform/tokenizer/model-tokenizers.ts';
import { modelTokenizerWorker } from '../../support/core.ts';
import { silentLogger } from '../../support/logger.ts';
import { smallTokenizer } from '../../support/tokenizer-file.ts';

const tokenizers = createModelTokenizers(modelTokenizerWorker, { logger: silentLogger });
afterEach(() => tokenizers.close());

const notRead = () => Promise.reject(new Error('read again'));
/** A pattern that takes exponential time where no b follows the letters. */
const slowFile = () =>
  smallTokenizer(10, {
    pre_tokenizer: { type: 'Split', pattern: { Regex: '(?:a+)+b' }, behavior: 'Isolated', invert: false },
  });

describe('counting', () => {
  it('counts with bytes alone where there are no merges, and reads a file once', async () => {
    const text = 'naïve 漢字 🙂';
    const bytes = new TextEncoder().encode(text).length;
    expect(
      await tokenizers.countTokens('bytes', [[text, text], [], ['a']], async () => smallTokenizer(0)),
    ).toEqual([2 * bytes, 0, 1]);
    expect(await tokenizers.countTokens('bytes', [['ab']], notRead)).toEqual([2]);
  });

  it('counts control tokens in a text as the text that they are', async () => {
    expect(await tokenizers.countTokens('bytes', [['<|end|>']], async () => smallTokenizer(0))).toEqual([7]);
  });

  it('counts no more tokens than a text has bytes, and one', async () => {
    const normalizer = { type: 'Replace', pattern: { Regex: 'q(?!u)' }, content: 'x'.repeat(100) };
    const many = async () => smallTokenizer(0, { normalizer });
    expect(await tokenizers.countTokens('many', [['quq q'], ['qu']], many)).toEqual([6, 2]);
  });

  it('rejects where the file is no tokenizer, and goes on with others', async () => {
    const none = tokenizers.countTokens('none', [['a']], async () => new TextEncoder().encode('{}'));
    await expect(none).rejects.toMatchObject({ code: 'unavailable' });
    expect(await tokenizers.countTokens('bytes', [['a']], async () => smallTokenizer(0))).toEqual([1]);
  });

  it('ends a thread that takes too long, and goes on with another', async () => {
    const impatient = createModelTokenizers(
      modelTokenizerWorker,
      { logger: silentLogger },
      { countMs: 1_500, examineMs: 1_500 },
    );
    const slow = impatient.countTokens('slow', [['a'.repeat(60)]], async () => slowFile());
    await expect(slow).rejects.toMatchObject({ code: 'unavailable' });
    expect(await impatient.countTokens('bytes', [['a']], async () => smallTokenizer(0))).toEqual([1]);
    await impatient.close();
  });
});

it('counts with one that was slow once in a thread where nobody else waits', async () => {
  const counting = createModelTokenizers(modelTokenizerWorker, { logger: silentLogger }, { slowMs: 300 });
  const count = (hash: string, text: string, file: () => Uint8Array) =>
    counting.countTokens(hash, [[text]], async () => file());
  // 23 letters take it some tenths of a second, 60 for ever.
  const slowly = (letters: number) => count('slow', 'a'.repeat(letters), slowFile);
  await slowly(1);
  for (let letters = 20; letters < 30; letters++) {
    const startedMs = performance.now();
    await slowly(letters);
    if (performance.now() - startedMs > 400) break;
  }
  const never = slowly(60).catch((error: { code: string }) => error.code);
  expect(await count('bytes', 'a', () => smallTokenizer(0))).toBeDefined();
  await counting.close();
  expect(await never).toBe('unavailable');
});

describe('looking at a file', () => {
  it('counts the sample with a good one', async () => {
    expect(await tokenizers.examine(smallTokenizer(0), 'four')).toEqual({ kind: 'good', sampleTokens: 4 });
  });

  it.each([
    ['no JSON', new TextEncoder().encode('GGUF')],
    ['no UTF-8', new Uint8Array([0xff, 0xfe, 0xfd])],
    ['another JSON', new TextEncoder().encode('{"model":{"type":"Lookup","vocab":{}}}')],
    ['null', new TextEncoder().encode('null')],
    [
      'a pattern that is none',
      smallTokenizer(0, { pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } }),
    ],
    ['merges that are none', smallTokenizer(0, { model: { type: 'BPE', vocab: {}, merges: [1] } })],
  ])('tells %s from a tokenizer', async (_, content) => {
    expect(await tokenizers.examine(content, 'four')).toEqual({ kind: 'unreadable' });
  });

  it('ends one with which a text takes too long', async () => {
    const impatient = createModelTokenizers(
      modelTokenizerWorker,
      { logger: silentLogger },
      { countMs: 1_500, examineMs: 3_000 },
    );
    expect(await impatient.examine(slowFile(), 'four')).toEqual({ kind: 'slow' });
    await impatient.close();
  });
});
