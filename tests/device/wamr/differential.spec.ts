import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { runnerCommand } from '../../../device/native/layout.ts';
import { findDifferences } from './compare.ts';
import { RandomCases } from './random-cases.ts';

const HOST_CASES = 10_000;
/** The emulated processor is some fifty times slower than this machine's. */
const RV32_CASES = 700;

const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
console.log(`V8 beside WAMR with SEED=${seed}`);

const functions = Object.keys(new RandomCases(seed).functions);

describe.each(functions)(`%s, with SEED=${seed}`, (name) => {
  it(`gives V8's results and refusals for ${HOST_CASES} random inputs on the host`, () => {
    const cases = new RandomCases(seed).make(name, HOST_CASES);
    expect(findDifferences(runnerCommand('host'), cases).slice(0, 3)).toEqual([]);
  });

  it(`and for ${RV32_CASES} on emulated rv32`, () => {
    const cases = new RandomCases(seed + 1).make(name, RV32_CASES);
    expect(findDifferences(runnerCommand('rv32'), cases).slice(0, 3)).toEqual([]);
  });
});
