import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coversFilter, isTopicFilter } from '../../../server/kernel/topic-filters.ts';
import { TopicTrie } from '../../../server/kernel/topic-trie.ts';

const level = fc.constantFrom('a', 'b', '', '$x', 'a$');
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen || levels.length === 0 ? ['#'] : [])].join('/'));

/** By the trie that finds subscriptions. */
function matches(oneFilter: string, oneTopic: string): boolean {
  const trie = new TopicTrie<true>();
  trie.set(oneFilter, 'one', true);
  return trie.matchTopic(oneTopic).length > 0;
}

describe('a filter covers', () => {
  it('the topics that it matches, and no others', () => {
    fc.assert(
      fc.property(filter, topic, (allowed, asked) => {
        fc.pre(asked !== '');
        expect(coversFilter(allowed, asked)).toBe(matches(allowed, asked));
      }),
    );
  });

  it('no filter that matches a topic which it does not match itself', () => {
    fc.assert(
      fc.property(filter, filter, topic, (allowed, asked, one) => {
        if (coversFilter(allowed, asked) && matches(asked, one)) expect(matches(allowed, one)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['#', 'a/+/b', true],
    ['a/#', 'a', true],
    ['a/#', 'a/#', true],
    ['a/+', 'a/+', true],
    ['a/+', 'a/#', false],
    ['+/b', 'a/b', true],
    ['+', '#', false],
    ['a/b', 'a/+', false],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
  ])('%s, asked for %s: %s', (allowed, asked, expected) => {
    expect(coversFilter(allowed, asked)).toBe(expected);
  });
});

it.each([
  ['a/b', true],
  ['#', true],
  ['+/+/#', true],
  ['/', true],
  ['', false],
  ['a/#/b', false],
  ['a#', false],
  ['a+/b', false],
  ['a\0b', false],
])('%j is a filter: %s', (text, expected) => {
  expect(isTopicFilter(text)).toBe(expected);
});
