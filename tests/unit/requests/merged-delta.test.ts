import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MergedDelta } from '../../../server/domains/requests/index.ts';
import type { JsonObject, JsonValue } from '../../../server/kernel/json.ts';

const merged = (...deltas: readonly JsonObject[]): JsonObject => {
  const all = new MergedDelta();
  for (const delta of deltas) all.add(delta);
  return all.fields;
};
const parsed = (json: string) => JSON.parse(json) as JsonObject;

describe('deltas as one', () => {
  it.each<[string, JsonObject[], JsonObject]>([
    ['texts are joined', [{ content: 'a' }, { content: 'b' }], { content: 'ab' }],
    ['null says nothing', [{ content: null }, { content: 'a' }, { content: null }], { content: 'a' }],
    [
      'a whole field stays',
      [
        { role: 'a', id: '1', type: 'f' },
        { role: 'b', id: '2', type: 'g' },
      ],
      { role: 'a', id: '1', type: 'f' },
    ],
    ['another kind of value takes the place', [{ x: 'a' }, { x: [1] }], { x: [1] }],
    [
      'lists without index are joined',
      [{ x: [1, { a: 1 }] }, { x: [2, { a: 1 }] }],
      { x: [1, { a: 1 }, 2, { a: 1 }] },
    ],
    [
      'items of one index are one',
      [
        {
          x: [
            { index: 4, s: 'a' },
            { index: 2, s: 'b' },
          ],
        },
        {
          x: [
            { index: 2, s: 'c' },
            { index: 4, s: 'd' },
          ],
        },
      ],
      {
        x: [
          { index: 4, s: 'ad' },
          { index: 2, s: 'bc' },
        ],
      },
    ],
    [
      'an index is what it is, not how it is written',
      [{ x: [{ index: 1, s: 'a' }] }, { x: [{ index: '1', s: 'b' }] }, { x: [{ index: 1.5 }] }],
      { x: [{ index: 1, s: 'a' }, { index: '1', s: 'b' }, { index: 1.5 }] },
    ],
    [
      'of two with one index in one list the first is gone on with',
      [
        {
          x: [
            { index: 0, s: 'a' },
            { index: 0, s: 'b' },
          ],
        },
        { x: [{ index: 0, s: 'c' }] },
      ],
      {
        x: [
          { index: 0, s: 'ac' },
          { index: 0, s: 'b' },
        ],
      },
    ],
    [
      'an index of any size makes one item',
      [{ x: [{ index: 4_294_967_295, s: 'a' }] }, { x: [{ index: 4_294_967_295, s: 'b' }] }],
      { x: [{ index: 4_294_967_295, s: 'ab' }] },
    ],
  ])('%s', (_, deltas, whole) => expect(merged(...deltas)).toEqual(whole));

  it('a prototype is a name like any other', () => {
    const whole = merged(
      parsed('{"__proto__":{"a":"x"}}'),
      parsed('{"__proto__":{"a":"y"},"constructor":"z"}'),
    );
    expect(JSON.stringify(whole)).toBe('{"__proto__":{"a":"xy"},"constructor":"z"}');
    expect('a' in {}).toBe(false);
  });

  it('each delta stays as it is', () => {
    const value = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<JsonValue>('a', 'b', null, 1, 2),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'index', '__proto__'), tie('value'), { maxKeys: 3 }),
      ),
    })).value;
    const delta = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { maxKeys: 3 });
    fc.assert(
      fc.property(fc.array(delta, { maxLength: 5 }), (deltas) => {
        const before = JSON.stringify(deltas);
        merged(...(deltas as JsonObject[]));
        expect(JSON.stringify(deltas)).toBe(before);
      }),
    );
  });

  it('what is there is not copied for each further delta', () => {
    const all = new MergedDelta();
    all.add({ tool_calls: [{ index: 0, function: { arguments: '' } }], meta: {} });
    const { tool_calls: calls, meta } = all.fields;
    const first = (calls as readonly JsonObject[])[0];
    all.add({ tool_calls: [{ index: 1 }, { index: 0, function: { arguments: '{}' } }], meta: { a: 1 } });
    expect(all.fields.tool_calls).toBe(calls);
    expect(all.fields.meta).toBe(meta);
    expect((calls as readonly JsonObject[])[0]).toBe(first);
    expect(first).toEqual({ index: 0, function: { arguments: '{}' } });
  });
});
