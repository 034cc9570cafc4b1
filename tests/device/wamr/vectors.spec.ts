import { describe, expect, it } from 'vitest';
import { profiles, runnerCommand, variants } from '../../../device/native/layout.ts';
import { findDifferences } from './compare.ts';
import { readDeviceModule } from './expectations.ts';
import { readVectors } from './vectors.ts';

describe.each(profiles)('every vector under WAMR, in %s.wasm', (profile) => {
  const vectors = readVectors(profile);

  it('is there', () => {
    expect(vectors.length).toBeGreaterThan(100);
  });

  it.each(variants)('gives the bytes V8 gives: %s', (variant) => {
    expect(findDifferences(runnerCommand(variant), vectors, readDeviceModule(profile))).toEqual([]);
  });
});
