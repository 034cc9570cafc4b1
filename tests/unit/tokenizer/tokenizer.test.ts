import { countTokens as reference } from 'gpt-tokenizer/encoding/o200k_base';
import { afterEach, expect, it } from 'vitest';
import { createTokenizer } from '../../../server/platform/tokenizer/index.ts';
import { tokenizerWorker } from '../../support/core.ts';
import { silentLogger } from '../../support/logger.ts';

const tokenizer = createTokenizer(tokenizerWorker, { logger: silentLogger });
afterEach(() => tokenizer.close());

it('counts as the library does, control tokens as the text they are', async () => {
  expect(await tokenizer.countTokens([])).toEqual([]);
  const text = 'function f(a: number) { return a ** 2; } // 漢字 🙂';
  expect(await tokenizer.countTokens([[text, text], [], [text]])).toEqual([
    2 * reference(text),
    0,
    reference(text),
  ]);
  const [control] = await tokenizer.countTokens([['<|endoftext|>']]);
  expect(control).toBeGreaterThan(1);
});

it('keeps nobody from their turn', async () => {
  await tokenizer.countTokens([['warm']]);
  let turns = 0;
  let isCounting = true;
  const watch = () => {
    turns++;
    if (isCounting) setImmediate(watch);
  };
  setImmediate(watch);
  await tokenizer.countTokens([Array.from({ length: 100 }, () => '漢'.repeat(128))]);
  isCounting = false;
  expect(turns).toBeGreaterThan(10);
});

it('rejects what it was counting when it ends, and counts again afterwards', async () => {
  const rejected = expect(tokenizer.countTokens([['hello']])).rejects.toMatchObject({ code: 'unavailable' });
  await tokenizer.close();
  await rejected;
  expect(await tokenizer.countTokens([['hello']])).toEqual([1]);
});

it('says that it is unavailable when its thread can not run', async () => {
  const broken = createTokenizer(new URL('file:///nowhere/worker.js'), { logger: silentLogger });
  await expect(broken.countTokens([['hello']])).rejects.toMatchObject({ code: 'unavailable' });
});
