import { describe, expect, it } from 'vitest';
import {
  COUNTED_ADDRESSES_MAX,
  OPENING_MAX,
  OPENING_PER_ADDRESS_MAX,
  PUZZLE_BITS,
  PUZZLE_FROM,
  PUZZLE_FROM_ALL,
} from '../../../server/transports/ratatoskr/limits.ts';
import { OpeningConnections } from '../../../server/transports/ratatoskr/opening.ts';
import { FakeClock } from '../../support/clock.ts';

const clock = new FakeClock();

describe('connections that are not open yet', () => {
  /** Each leaves when it is ended, as a connection does. */
  function crowd(opening: OpeningConnections, address: string, count: number) {
    const ended: number[] = [];
    const entered = Array.from({ length: count }, (_, index) => {
      const place = opening.enter(address, () => {
        ended.push(index);
        place?.leave(false);
      });
      return place;
    });
    return { ended, refused: entered.filter((place) => place === null).length };
  }

  it('are bounded by address', () => {
    const opening = new OpeningConnections(null, { clock });
    expect(crowd(opening, '192.0.2.1', OPENING_PER_ADDRESS_MAX + 3)).toEqual({ ended: [], refused: 3 });
    expect(crowd(opening, '192.0.2.2', 1).refused).toBe(0);
  });

  it('of a few addresses make room for those of others, the oldest first', () => {
    const opening = new OpeningConnections(null, { clock });
    const addresses = OPENING_MAX / OPENING_PER_ADDRESS_MAX;
    const crowds = Array.from({ length: addresses }, (_, index) =>
      crowd(opening, `198.51.100.${index}`, OPENING_PER_ADDRESS_MAX),
    );
    expect(crowd(opening, '192.0.2.1', 5)).toEqual({ ended: [], refused: 0 });
    const ended = crowds.flatMap((one) => one.ended);
    expect(ended).toEqual([0, 0, 0, 0, 0]);
  });

  it('of as many addresses as there are places make room for the first of the next one, the oldest again', () => {
    const opening = new OpeningConnections(null, { clock });
    const crowds = Array.from({ length: OPENING_MAX }, (_, index) =>
      crowd(opening, `10.0.${index >> 8}.${index & 255}`, 1),
    );
    expect(crowd(opening, '192.0.2.1', 2)).toEqual({ ended: [], refused: 1 });
    expect(crowds.findIndex(({ ended }) => ended.length > 0)).toBe(0);
    expect(crowds.flatMap(({ ended }) => ended)).toHaveLength(1);
  });

  it('keep the next one out where ending one gives back no place', () => {
    const opening = new OpeningConnections(null, { clock });
    for (let index = 0; index < OPENING_MAX; index++)
      opening.enter(`10.0.${index >> 8}.${index & 255}`, () => {});
    expect(opening.enter('192.0.2.1', () => {})).toBeNull();
  });

  it('give their place back once', () => {
    const opening = new OpeningConnections(null, { clock });
    const place = opening.enter('192.0.2.1', () => {});
    place?.leave(false);
    place?.leave(false);
    expect(crowd(opening, '192.0.2.1', OPENING_PER_ADDRESS_MAX).refused).toBe(0);
  });
});

describe('who begins sessions and leaves them', () => {
  function counted() {
    const time = new FakeClock();
    const opening = new OpeningConnections(null, { clock: time });
    /** The bits of its puzzle. */
    const come = (address: string, isOpen = false) => {
      const place = opening.enter(address, () => {});
      place?.leave(isOpen);
      return place?.puzzleBits;
    };
    const comeOften = (address: string, count: number) => {
      for (let done = 0; done < count; done++) come(address);
    };
    return { time, come, comeOften };
  }

  it('has a puzzle to solve from a number of them on, until the minute is over, and no other address has', () => {
    const { time, come, comeOften } = counted();
    comeOften('192.0.2.1', PUZZLE_FROM - 1);
    expect([come('192.0.2.1'), come('192.0.2.1'), come('192.0.2.2')]).toEqual([0, PUZZLE_BITS, 0]);
    time.advance(60_000);
    expect(come('192.0.2.1')).toBe(0);
  });

  it('is not who opens them, however many', () => {
    const { come } = counted();
    for (let done = 0; done < 2 * PUZZLE_FROM; done++) expect(come('192.0.2.1', true)).toBe(0);
  });

  it('has one from the second on where many come from many addresses', () => {
    const { come, comeOften } = counted();
    for (let done = 0; done < PUZZLE_FROM_ALL / 32; done++) comeOften(`198.51.100.${done}`, 32);
    expect([come('192.0.2.1'), come('192.0.2.1')]).toEqual([0, PUZZLE_BITS]);
  });

  it('is forgotten where more addresses come than are counted', () => {
    const { come, comeOften } = counted();
    comeOften('192.0.2.1', PUZZLE_FROM);
    expect(come('192.0.2.1')).toBe(PUZZLE_BITS);
    for (let done = 1; done < COUNTED_ADDRESSES_MAX; done++)
      come(`10.${done >> 16}.${(done >> 8) & 255}.${done & 255}`);
    come('192.0.2.2');
    expect(come('192.0.2.1')).toBe(0);
  });
});
