import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJson, splitDelta } from '../../../device/provider/split-delta.ts';
import { WholeCharacters } from '../../../device/provider/whole-characters.ts';
import { DELTA_OVERHEAD_BYTES, deltaText } from '../../../server/domains/providers/index.ts';
import { MergedDelta } from '../../../server/domains/requests/index.ts';
import type { JsonObject } from '../../../server/kernel/json.ts';
import { readDelta } from '../../../server/transports/ratatoskr/read-delta.ts';

const text = fc.string({ unit: 'binary', maxLength: 60 });
const call = fc.record({
  id: fc.string({ maxLength: 10 }),
  type: fc.constant('function'),
  function: fc.record({ name: fc.string({ maxLength: 10 }), arguments: text }),
});
const calls = fc
  .array(call, { maxLength: 3 })
  .map((items) => items.map((item, index) => ({ index, ...item })));
const delta = fc.record(
  {
    content: text,
    reasoning_content: text,
    refusal: text,
    tool_calls: calls,
    future: fc.dictionary(fc.constantFrom('a', '__proto__', 'é"'), text, { maxKeys: 3 }),
    list: fc.array(fc.integer(), { maxLength: 8 }),
    number: fc.double({ noNaN: true }),
    nothing: fc.constant(null),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;

const joined = (pieces: readonly JsonObject[]): JsonObject => {
  const merged = new MergedDelta();
  for (const piece of pieces) merged.add(piece);
  return merged.fields;
};
const asSent = (fields: JsonObject): JsonObject => JSON.parse(JSON.stringify(fields)) as JsonObject;

/** True for a text without halves of characters, which have no UTF-8. */
const isWellFormed = (said: string): boolean => Buffer.from(said).toString() === said;

/** No part of a delta that can't be cut has more bytes than this. */
const UNCUT_BYTES = 200;

describe('a delta', () => {
  it('is the same after it was cut to any size and put together, and costs the same', () => {
    fc.assert(
      fc.property(delta, fc.integer({ min: 1, max: 400 }), (fields, bytesMax) => {
        const pieces = splitDelta(fields, bytesMax).map((piece) => readDelta(encodeJson(piece)));
        const whole = asSent(fields);
        expect(joined(pieces.map((piece) => piece.fields))).toEqual(joined([whole]));
        expect(deltaText(joined(pieces.map((piece) => piece.fields)))).toBe(deltaText(whole));
        for (const { bytes } of pieces)
          expect(bytes - DELTA_OVERHEAD_BYTES).toBeLessThanOrEqual(Math.max(bytesMax, UNCUT_BYTES));
      }),
    );
  });

  it.each([
    ['content', (part: string): JsonObject => ({ content: part })],
    [
      'arguments',
      (part: string): JsonObject => ({ tool_calls: [{ index: 2, id: 'c', function: { arguments: part } }] }),
    ],
  ])('has its %s cut at every point but inside a character', (_, wrap) => {
    const said = 'aé😀\u0000"\\漢字 end';
    for (let bytesMax = 1; bytesMax <= 120; bytesMax++) {
      const pieces = splitDelta(wrap(said), bytesMax);
      expect(joined(pieces)).toEqual(wrap(said));
      for (const piece of pieces) expect(isWellFormed(deltaText(piece))).toBe(true);
    }
  });

  it('says the same wherever its text is cut, inside characters, too', () => {
    const said = 'a😀é漢😀';
    for (let first = 0; first <= said.length; first++) {
      for (let second = first; second <= said.length; second++) {
        const characters = new WholeCharacters();
        const parts = [said.slice(0, first), said.slice(first, second), said.slice(second)];
        const pieces = [...parts.map((part) => characters.push({ content: part })), characters.end()];
        for (const piece of pieces) expect(isWellFormed(deltaText(piece))).toBe(true);
        expect(joined(pieces)).toEqual({ content: said });
      }
    }
  });
});

describe('what of a delta costs tokens', () => {
  it.each<[string, JsonObject, string]>([
    ['content', { content: 'a' }, 'a'],
    ['content in parts', { content: [{ type: 'text', text: 'a' }, { type: 'image' }, 'x'] }, 'a'],
    ['reasoning under either name', { reasoning: 'a' }, 'a'],
    ['reasoning under both names once', { reasoning: 'a', reasoning_content: 'a', content: 'b' }, 'ab'],
    ['a refusal', { refusal: 'no' }, 'no'],
    [
      'names and arguments of calls',
      {
        tool_calls: [{ function: { name: 'f', arguments: '{}' } }, { id: 'x' }, null],
        function_call: { name: 'g', arguments: '1' },
      },
      'f{}g1',
    ],
    ['nothing else', { role: 'assistant', annotations: [{ text: 'a' }], content: null, tool_calls: {} }, ''],
  ])('is %s', (_, fields, counted) => expect(deltaText(fields)).toBe(counted));
});
