import { describe, expect, it } from 'vitest';
import { OPENING_MAX, OPENING_PER_ADDRESS_MAX } from '../../../server/transports/ratatoskr/limits.ts';
import { OpeningConnections } from '../../../server/transports/ratatoskr/opening.ts';

describe('connections that are not open yet', () => {
  /** Each leaves when it is ended, as a connection does. */
  function crowd(opening: OpeningConnections, address: string, count: number) {
    const ended: number[] = [];
    const entered = Array.from({ length: count }, (_, index) => {
      const leave = opening.enter(address, () => {
        ended.push(index);
        leave?.();
      });
      return leave;
    });
    return { ended, refused: entered.filter((leave) => leave === null).length };
  }

  it('are bounded by address', () => {
    const opening = new OpeningConnections(null);
    expect(crowd(opening, '192.0.2.1', OPENING_PER_ADDRESS_MAX + 3)).toEqual({ ended: [], refused: 3 });
    expect(crowd(opening, '192.0.2.2', 1).refused).toBe(0);
  });

  it('of a few addresses make room for those of others, the oldest first', () => {
    const opening = new OpeningConnections(null);
    const addresses = OPENING_MAX / OPENING_PER_ADDRESS_MAX;
    const crowds = Array.from({ length: addresses }, (_, index) =>
      crowd(opening, `198.51.100.${index}`, OPENING_PER_ADDRESS_MAX),
    );
    expect(crowd(opening, '192.0.2.1', 5)).toEqual({ ended: [], refused: 0 });
    const ended = crowds.flatMap((one) => one.ended);
    expect(ended).toEqual([0, 0, 0, 0, 0]);
  });

  it('of as many addresses as there are places make room for the first of the next one, the oldest again', () => {
    const opening = new OpeningConnections(null);
    const crowds = Array.from({ length: OPENING_MAX }, (_, index) =>
      crowd(opening, `10.0.${index >> 8}.${index & 255}`, 1),
    );
    expect(crowd(opening, '192.0.2.1', 2)).toEqual({ ended: [], refused: 1 });
    expect(crowds.findIndex(({ ended }) => ended.length > 0)).toBe(0);
    expect(crowds.flatMap(({ ended }) => ended)).toHaveLength(1);
  });

  it('keep the next one out where ending one gives back no place', () => {
    const opening = new OpeningConnections(null);
    for (let index = 0; index < OPENING_MAX; index++)
      opening.enter(`10.0.${index >> 8}.${index & 255}`, () => {});
    expect(opening.enter('192.0.2.1', () => {})).toBeNull();
  });

  it('give their place back once', () => {
    const opening = new OpeningConnections(null);
    const leave = opening.enter('192.0.2.1', () => {});
    leave?.();
    leave?.();
    expect(crowd(opening, '192.0.2.1', OPENING_PER_ADDRESS_MAX).refused).toBe(0);
  });
});
