import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Groups } from '../../../server/kernel/groups.ts';

const members = Array.from({ length: 4 }, (_, number) => ({ number }));

it('are what a map of sets is, whatever is added and removed', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b'),
    member: fc.constantFrom(...members),
    change: fc.constantFrom('add', 'remove', 'delete'),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const groups = new Groups<string, (typeof members)[number]>();
      const model = new Map<string, Set<(typeof members)[number]>>();
      for (const { key, member, change } of steps) {
        const group = model.get(key) ?? new Set();
        if (change === 'add') {
          groups.add(key, member);
          model.set(key, group.add(member));
        } else if (change === 'remove') expect(groups.remove(key, member)).toBe(group.delete(member));
        else {
          groups.delete(key);
          group.clear();
        }
        expect([...groups.of(key)]).toEqual([...group]);
        expect(groups.first(key)).toBe([...group][0]);
        expect([groups.countOf(key), groups.hasAny(key)]).toEqual([group.size, group.size > 0]);
        expect(members.map((each) => groups.has(key, each))).toEqual(members.map((each) => group.has(each)));
      }
      const everybody = [...model.values()].flatMap((group) => [...group]);
      expect(new Set(groups.all())).toEqual(new Set(everybody));
    }),
  );
});
