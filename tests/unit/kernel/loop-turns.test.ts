import { describe, expect, it } from 'vitest';
import { LoopTurns } from '../../../server/kernel/loop-turns.ts';

describe('turns of the event loop', () => {
  const setUp = (perTurn: number, waitingMax = 100) => {
    const next: (() => void)[] = [];
    const turns = new LoopTurns<string>({ perTurn, waitingMax }, (work) => void next.push(work));
    const done: string[] = [];
    const wait = (key: string, name: string, count?: number) =>
      turns.wait(key, () => void done.push(name), count);
    /** Runs what the next turn brings; what it did. */
    const turn = (): string[] => {
      for (const work of next.splice(0)) work();
      return done.splice(0);
    };
    return { turns, wait, turn, done };
  };

  it('have room for so many pieces each, and again in the next', () => {
    const { turns, turn } = setUp(2);
    expect([turns.begin(), turns.begin(), turns.begin()]).toEqual([true, true, false]);
    turn();
    expect(turns.begin()).toBe(true);
  });

  it('let those who wait go first, by their keys in turn, each in its order', () => {
    const { turns, wait, turn } = setUp(3);
    for (const name of ['a1', 'a2', 'a3', 'a4']) wait('a', name);
    wait('b', 'b1');
    expect(turns.begin()).toBe(false);
    expect(turn()).toEqual(['a1', 'b1', 'a2']);
    expect(turns.begin()).toBe(false);
    expect(turn()).toEqual(['a3', 'a4']);
    expect(turns.begin()).toBe(true);
  });

  it('count several pieces as so many', () => {
    const { wait, turn } = setUp(4);
    for (const name of ['a', 'b', 'c']) wait(name, name, 3);
    expect([turn(), turn(), turn()]).toEqual([['a', 'b'], ['c'], []]);
  });

  it('take what is told to wait while they run into the next one', () => {
    const { turns, turn, done } = setUp(1);
    turns.wait('a', () => {
      done.push('first');
      turns.wait('a', () => void done.push('second'));
    });
    expect([turn(), turn()]).toEqual([['first'], ['second']]);
  });

  it('do at once what there is no room for any more', () => {
    const { wait, turn, done } = setUp(1, 2);
    for (const name of ['1', '2', '3']) wait('a', name);
    expect(done.splice(0)).toEqual(['2', '3']);
    expect(turn()).toEqual(['1']);
  });
});
