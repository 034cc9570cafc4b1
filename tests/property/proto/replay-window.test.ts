import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REPLAY_WINDOW_NONCES, ReplayWindow } from '../../../proto/index.ts';
import { PlainWindow } from '../../support/plain-window.ts';

const NONCE_MAX = Number.MAX_SAFE_INTEGER;

/** What happens to a window. Distances are from its highest nonce, so that most fall on its edges and into it. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('next' as const), count: fc.integer({ min: 1, max: 80 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('use' as const),
      ahead: fc.integer({ min: -1_100, max: 1_100 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('use' as const), ahead: fc.integer({ min: -40, max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      ahead: fc.integer({ min: -1_100, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('release' as const), ahead: fc.integer({ min: -40, max: 0 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

describe('a replay window', () => {
  it('knows what a plain set of the used nonces knows, and holds the same after it was kept', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constant(0),
          fc.nat(3_000),
          fc.integer({ min: 2 ** 31 - 2_000, max: 2 ** 33 }),
          fc.integer({ min: 2 ** 52, max: NONCE_MAX - 500_000 }),
        ),
        fc.array(step, { minLength: 1, maxLength: 80 }),
        (start, steps) => {
          let window = new ReplayWindow();
          const plain = new PlainWindow();
          const use = (nonce: number) => {
            if (nonce < 0) return;
            const expected = plain.isUsed(nonce) ? 'used' : plain.use(nonce) ? 'new' : 'too old';
            // Thousands of times in each story: an `expect` of each would take minutes.
            const state = window.use(nonce);
            if (state !== expected || window.last !== plain.last) {
              throw new Error(`${nonce} was ${state} instead of ${expected}, last ${window.last}`);
            }
          };
          use(start);
          for (const next of steps) {
            if (next.kind === 'next') for (let count = 0; count < next.count; count++) use(plain.last + 1);
            else if (next.kind === 'use') use(plain.last + next.ahead);
            else if (next.kind === 'release') {
              window.release(plain.last + next.ahead);
              plain.release(plain.last + next.ahead);
            } else window = new ReplayWindow(window.content());
            expect(window.content()).toEqual(plain.content());
          }
          for (let below = 0; below <= REPLAY_WINDOW_NONCES; below++) use(plain.last - below);
        },
      ),
      { numRuns: 200 },
    );
  });
});
