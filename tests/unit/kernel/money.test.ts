import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  centsToMicrocents,
  moneyToJson,
  parseEuros,
  parsePrice,
  priceToText,
  wholeCents,
} from '../../../server/kernel/money.ts';

describe('money at the border', () => {
  it.each([
    [0n, '0'],
    [6_000n, '0.00006'],
    [1n, '0.00000001'],
    [-1n, '-0.00000001'],
    [1_000_000n, '0.01'],
    [100_000_000n, '1'],
    [-250_000_000n, '-2.5'],
    [12_345_678_901_234_567_890n, '123456789012.3456789'],
  ])('shows %s micro-cents as %s euros', (amount, value) => {
    expect(moneyToJson(amount)).toEqual({ value, currency: 'EUR' });
  });

  it('reads back every amount that it shows', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), (amount) => {
        expect(parseEuros(moneyToJson(amount).value)).toBe(amount);
      }),
    );
  });

  it.each([
    '',
    '-',
    '.',
    '1.',
    '.5',
    '01',
    '1e3',
    '+1',
    ' 1',
    '1 ',
    '1,5',
    '0x1',
    'NaN',
    '1.123456789',
    '1234567890123',
  ])('reads no euros in %j', (text) => {
    expect(parseEuros(text)).toBeNull();
  });
});

describe('a price', () => {
  it.each([
    ['25', 25_000_000n],
    ['0.03', 30_000n],
    ['0.000001', 1n],
    ['0', 0n],
    ['1000000', 1_000_000_000_000n],
  ])('of %s cents for 1000 tokens is %s micro-cents, and is shown as it was given', (text, price) => {
    expect(parsePrice(text)).toBe(price);
    expect(priceToText(price)).toBe(text);
  });

  it.each(['-1', '-0', '0.0000001', '1e-3', '', '00.1', '25.'])('is not read from %j', (text) => {
    expect(parsePrice(text)).toBeNull();
  });

  it('may have zeros at its end', () => {
    expect(parsePrice('0.30')).toBe(300_000n);
  });
});

describe('whole cents', () => {
  it.each([
    [1_999_999n, 1n],
    [2_000_000n, 2n],
    [999_999n, 0n],
    [-1_999_999n, -1n],
  ])('of %s micro-cents are %s: the rest stays in the balance', (amount, cents) => {
    expect(wholeCents(amount)).toBe(cents);
  });

  it('are exact in micro-cents', () => {
    expect(wholeCents(centsToMicrocents(281n))).toBe(281n);
  });
});
