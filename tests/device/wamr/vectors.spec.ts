import { describe, expect, it } from 'vitest';
import { runnerCommand, variants } from '../../../device/native/layout.ts';
import { findDifferences } from './compare.ts';
import { readVectors } from './vectors.ts';

const vectors = readVectors();

describe('every vector under WAMR', () => {
  it('is there', () => {
    expect(vectors.length).toBeGreaterThan(100);
  });

  it.each(variants)('gives the bytes V8 gives: %s', (variant) => {
    expect(findDifferences(runnerCommand(variant), vectors)).toEqual([]);
  });
});
