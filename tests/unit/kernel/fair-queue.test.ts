import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../server/kernel/fair-queue.ts';
import { keptOf } from '../../support/collected.ts';

const takeAll = (queue: FairQueue<string, string>) => {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
};

describe('a fair queue', () => {
  it('serves its lines in turn, each in its order', () => {
    const queue = new FairQueue<string, string>({ itemsMax: 100, bytesMax: 100 });
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item[0] as string, item);
    expect(queue.peek()).toBe('a1');
    expect(takeAll(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
    expect(queue.peek()).toBeUndefined();
    expect(queue.size).toBe(0);
  });

  it('lets a new line have its turn before a long one has its next but one', () => {
    const queue = new FairQueue<string, string>({ itemsMax: 100, bytesMax: 100 });
    for (let index = 0; index < 40; index++) queue.push('long', `long ${index}`);
    queue.take();
    queue.push('new', 'new');
    expect([queue.take(), queue.take()]).toEqual(['long 1', 'new']);
  });

  it('gives one line alone half of the room, and keeps some for others', () => {
    const queue = new FairQueue<string, number>({ itemsMax: 100, bytesMax: 1e9 });
    const fill = (key: string) => {
      let items = 0;
      while (queue.push(key, items)) items++;
      return items;
    };
    expect(fill('a')).toBe(50);
    expect(fill('b')).toBe(25);
    expect(queue.push('c', 0)).toBe(true);
    expect(queue.push('a', 0)).toBe(false);
  });

  it('counts bytes as it counts items', () => {
    const queue = new FairQueue<string, string>({ itemsMax: 100, bytesMax: 1_000 });
    expect(queue.push('a', 'first', 501)).toBe(true);
    expect(queue.push('a', 'second', 1)).toBe(false);
    expect(queue.push('b', 'other', 400)).toBe(true);
    queue.take();
    expect(queue.push('a', 'second', 500)).toBe(true);
  });

  it('forgets what was taken from a line that never empties', () => {
    const queue = new FairQueue<string, number>({ itemsMax: 10, bytesMax: 10 });
    queue.push('a', 0);
    for (let index = 1; index < 5_000; index++) {
      queue.push('a', index);
      expect(queue.take()).toBe(index - 1);
    }
    expect(queue.size).toBe(1);
  });

  it('loses nothing, repeats nothing, keeps every order and both bounds', () => {
    const step = fc.oneof(
      fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), bytes: fc.nat(40) }),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new FairQueue<string, { key: string; bytes: number; at: number }>({
          itemsMax: 20,
          bytesMax: 200,
        });
        const waiting: { key: string; bytes: number; at: number }[] = [];
        for (const [at, item] of steps.entries()) {
          if (item !== null) {
            const lonely = waiting.every(({ key }) => key !== item.key);
            const bytes = waiting.reduce((sum, other) => sum + other.bytes, 0);
            const taken = queue.push(item.key, { ...item, at }, item.bytes);
            if (taken) waiting.push({ ...item, at });
            else if (lonely) expect(waiting.length >= 20 || bytes + item.bytes > 200).toBe(true);
          } else {
            const got = queue.take();
            const own = waiting.find(({ key }) => key === got?.key);
            expect(got).toEqual(own);
            if (own) waiting.splice(waiting.indexOf(own), 1);
            else expect(waiting).toEqual([]);
          }
          expect(queue.size).toBe(waiting.length);
          expect(waiting.length).toBeLessThanOrEqual(20);
          expect(waiting.reduce((sum, other) => sum + other.bytes, 0)).toBeLessThanOrEqual(200);
        }
      }),
    );
  });

  it('keeps nothing of what was taken out of a line that is never empty', async () => {
    const queue = new FairQueue<string, object>({ itemsMax: 1_000, bytesMax: 1 });
    const items = Array.from({ length: 100 }, () => {
      const item = {};
      queue.push('a', item);
      return new WeakRef(item);
    });
    for (let count = 0; count < 90; count++) queue.take();
    expect(await keptOf(items)).toBe(10);
    expect(queue.size).toBe(10);
  });
});
