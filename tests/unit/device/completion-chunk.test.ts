import { describe, expect, it } from 'vitest';
import { type CompletionChunk, parseChunks } from '../../../device/provider/completion-chunk.ts';
import { JOINED_CHARACTERS_MAX } from '../../../device/provider/limits.ts';

const event = (delta: object, finishReason: string | null = null) =>
  JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finishReason }] });
const texts = (chunks: Iterable<CompletionChunk>) => [...chunks].map(({ fields }) => fields.content ?? null);

describe('events that came together', () => {
  it('are one piece where they are text and nothing else', () => {
    expect(texts(parseChunks(['He', 'l', 'lo'].map((content) => event({ content }))))).toEqual(['Hello']);
  });

  it('are pieces of their own where they say more, in their order', () => {
    const call = { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] };
    const chunks = [
      ...parseChunks([
        event({ content: 'a' }),
        event({ content: 'b' }),
        event(call),
        event({ content: 'c' }, 'stop'),
      ]),
    ];
    expect(texts(chunks)).toEqual(['ab', null, 'c']);
    expect(chunks.map(({ finishReason }) => finishReason)).toEqual([null, null, 'stop']);
  });

  it('are no longer than what fits a message', () => {
    const content = 'x'.repeat(JOINED_CHARACTERS_MAX - 1);
    expect(
      texts(parseChunks([event({ content }), event({ content: 'y' }), event({ content: 'z' })])),
    ).toEqual([`${content}y`, 'z']);
  });

  it('give the text before one that is broken, then fail', () => {
    const chunks = parseChunks([event({ content: 'a' }), 'no JSON']);
    expect(chunks.next().value).toMatchObject({ fields: { content: 'a' } });
    expect(() => chunks.next()).toThrow('not JSON');
  });
});
