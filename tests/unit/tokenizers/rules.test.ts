import { describe, expect, it } from 'vitest';
import { chooseTokenizer, isPlausible } from '../../../server/domains/tokenizers/rules.ts';

const first = { hash: 'a', rule: 'first' } as const;

describe('which tokenizer counts for a model', () => {
  it('is the first', () => {
    expect(chooseTokenizer(null, [])).toBe(null);
    expect(chooseTokenizer(null, [{ hash: 'a', owners: 1 }])).toEqual(first);
  });

  it('stays the first while as many owners brought another', () => {
    const votes = [
      { hash: 'a', owners: 1 },
      { hash: 'b', owners: 1 },
    ];
    expect(chooseTokenizer(first, votes)).toEqual(first);
  });

  it('is that of more than half of the owners, not of one alone', () => {
    const two = { hash: 'b', owners: 2 };
    expect(chooseTokenizer(first, [{ hash: 'a', owners: 1 }, two])).toEqual({ hash: 'b', rule: 'majority' });
    expect(chooseTokenizer(first, [{ hash: 'a', owners: 2 }, two])).toEqual(first);
    expect(chooseTokenizer(first, [{ hash: 'b', owners: 1 }])).toEqual(first);
  });

  it('is what an operator said, whatever others bring', () => {
    const said = { hash: 'a', rule: 'operator' } as const;
    expect(chooseTokenizer(said, [{ hash: 'b', owners: 9 }])).toEqual(said);
  });
});

it('takes no tokenizer for a model’s that counts every byte, or next to nothing', () => {
  expect(isPlausible(130, 100)).toBe(true);
  expect(isPlausible(430, 100)).toBe(false);
  expect(isPlausible(40, 100)).toBe(false);
});
