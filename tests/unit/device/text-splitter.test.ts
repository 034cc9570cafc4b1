import { describe, expect, it } from 'vitest';
import { CHUNK_CHARACTERS_MAX } from '../../../device/provider/limits.ts';
import { TextSplitter } from '../../../device/provider/text-splitter.ts';

describe('the text splitter', () => {
  it('puts a character together that came in halves', () => {
    const splitter = new TextSplitter();
    expect(splitter.push('a\ud83d')).toEqual(['a']);
    expect(splitter.push('\ude00b')).toEqual(['😀b']);
    expect(splitter.end()).toEqual([]);
  });

  it('replaces a half that never gets its other half', () => {
    const splitter = new TextSplitter();
    expect(splitter.push('\ude00\ud83d')).toEqual(['\uFFFD']);
    expect(splitter.end()).toEqual(['\uFFFD']);
  });

  it('cuts long text between characters', () => {
    const text = `x${'😀'.repeat(CHUNK_CHARACTERS_MAX)}`;
    const pieces = new TextSplitter().push(text);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('')).toBe(text);
    for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(CHUNK_CHARACTERS_MAX);
  });

  it('says nothing for no text', () => {
    expect(new TextSplitter().push('')).toEqual([]);
  });
});
