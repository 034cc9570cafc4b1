import { describe, expect, it } from 'vitest';
import { ReplayWindow } from '../../../proto/index.ts';

describe('a replay window', () => {
  it('leaves out of what is kept the nonces that may still be released, and keeps them itself', () => {
    const window = new ReplayWindow();
    for (const nonce of [10, 11, 12, 13]) window.use(nonce);
    expect(window.content([13, 11])).toEqual({ lastNonce: 13, recent: '5' });
    expect(window.content()).toEqual({ lastNonce: 13, recent: 'f' });
    expect(window.use(11)).toBe('used');
  });

  it('is kept as nothing where nothing was used', () => {
    expect(new ReplayWindow().content()).toEqual({ lastNonce: 0, recent: '' });
    expect(new ReplayWindow({ lastNonce: 0, recent: '' }).use(1)).toBe('new');
  });

  it.each([
    { lastNonce: -1, recent: '' },
    { lastNonce: 1.5, recent: '' },
    { lastNonce: 2 ** 53, recent: '' },
    { lastNonce: 1, recent: 'xy' },
    { lastNonce: 1, recent: 'f'.repeat(257) },
  ])('does not begin with what no window gave: $lastNonce, $recent', (content) => {
    expect(() => new ReplayWindow(content)).toThrow(RangeError);
  });
});
