import { describe, expect, it } from 'vitest';
import { SSE_LINE_CHARACTERS_MAX } from '../../../device/provider/limits.ts';
import { SseParser } from '../../../device/provider/sse.ts';

const encoder = new TextEncoder();

function parse(pieces: readonly Uint8Array[]): string[] {
  const parser = new SseParser();
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
}

const STREAM =
  ': a comment\r\ndata: {"a":"é€😀"}\r\n\r\nevent: message\nid: 7\ndata: one\ndata:two\ndata\n\n\n\rdata:  spaced\r\rdata: [DONE]\n\n';
const EVENTS = ['{"a":"é€😀"}', 'one\ntwo\n', ' spaced', '[DONE]'];

describe('the event stream parser', () => {
  it('reads the same events wherever the stream is cut', () => {
    const bytes = encoder.encode(STREAM);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(parse([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(EVENTS);
    }
  });

  it('reads the same events byte by byte', () => {
    expect(parse([...encoder.encode(STREAM)].map((byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
  });

  it('reads the same events wherever it is cut twice', () => {
    const bytes = encoder.encode('data: é\r\n\r\ndata: b\n\n');
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
        expect(parse(pieces)).toEqual(['é', 'b']);
      }
    }
  });

  it('gives the last event also without the empty line after it', () => {
    expect(parse([encoder.encode('data: a\n\ndata: b')])).toEqual(['a', 'b']);
    expect(parse([encoder.encode('data: b\n')])).toEqual(['b']);
    expect(parse([])).toEqual([]);
  });

  it('ignores a byte order mark, unknown fields and events without data', () => {
    expect(parse([encoder.encode('\uFEFFdata: a\n\nretry: 1\n\nevent: x\n\ndatax: 1\n\n')])).toEqual(['a']);
  });

  it('refuses a line that has no end', () => {
    const parser = new SseParser();
    expect(() => {
      for (let count = 0; count <= SSE_LINE_CHARACTERS_MAX / 1_024; count++)
        parser.push(new Uint8Array(1_024).fill(97));
    }).toThrow(RangeError);
  });
});
