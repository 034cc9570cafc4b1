import { describe, expect, it } from 'vitest';
import { runnerCommand } from '../../../device/native/layout.ts';
import { assemble, type ModuleParts, makeModule, makeSections } from '../../../device/native/make-module.ts';
import * as requests from '../../../device/native/requests.ts';
import { DeviceStatus, requireAnswers } from '../../../device/native/runner.ts';
import {
  AMPLE_POOL_BYTES,
  AMPLE_STACK_BYTES,
  describeModule,
  openDevice,
  readDeviceModule,
} from './expectations.ts';

const SANITIZED = runnerCommand('sanitized');
const { OK, INVALID_MODULE, WRONG_KIND, ABI_MISMATCH, OUT_OF_RANGE, INSTRUCTION_NOT_ALLOWED } = DeviceStatus;
const ZERO = [0x41, 0];
const I32 = 0x7f;

function admit(module: Uint8Array): number | undefined {
  return requireAnswers(SANITIZED, [requests.admit(module)])[0]?.status;
}

function load(module: Uint8Array): number | undefined {
  return requireAnswers(SANITIZED, [requests.load(AMPLE_POOL_BYTES, AMPLE_STACK_BYTES, module)])[0]?.status;
}

describe('admission reads numbers as the specification has them', () => {
  const withSegment = (address: readonly number[]): Uint8Array =>
    assemble([...makeSections(), [11, [1, 0, 0x41, ...address, 0x0b, 1, 7]]]);

  it.each([
    ['in one byte', OK, [20]],
    ['in five bytes', OK, [0x94, 0x80, 0x80, 0x80, 0x00]],
    ['with bit 32 set', INVALID_MODULE, [0x94, 0x80, 0x80, 0x80, 0x10]],
    [
      'with all bits beyond 32 set on a number that is not negative',
      INVALID_MODULE,
      [0x94, 0x80, 0x80, 0x80, 0x70],
    ],
    ['with one bit beyond 32 missing', INVALID_MODULE, [0x94, 0x80, 0x80, 0x80, 0x68]],
    ['in six bytes', INVALID_MODULE, [0x94, 0x80, 0x80, 0x80, 0x80, 0x00]],
  ])('the address of data %s: %i', (_name, status, address) => {
    expect(admit(withSegment(address))).toBe(status);
  });

  it.each([
    ['-1 in five bytes', OK, [0x41, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['the lowest i32', OK, [0x41, 0x80, 0x80, 0x80, 0x80, 0x78]],
    ['an i32 with bit 32 set', INVALID_MODULE, [0x41, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['the lowest i64', OK, [0x42, ...new Array<number>(9).fill(0x80), 0x7f]],
    ['an i64 with bit 64 set', INVALID_MODULE, [0x42, ...new Array<number>(9).fill(0x80), 0x02]],
    ['an i64 in eleven bytes', INVALID_MODULE, [0x42, ...new Array<number>(10).fill(0x80), 0x00]],
  ])('%s: %i', (_name, status, constant) => {
    expect(admit(makeModule({ body: [...constant, 0x1a, ...ZERO] }))).toBe(status);
  });

  it.each([
    ['memory.size', [0x3f, 0], [0x3f, 0x80, 0x00]],
    ['call_indirect', [...ZERO, 0x11, 1, 0, ...ZERO], [...ZERO, 0x11, 1, 0x80, 0x00, ...ZERO]],
  ])('the index of %s is the byte 0, and nothing longer', (_name, short, long) => {
    const parts: ModuleParts = { functions: [{ body: [] }], hasTable: true };
    expect(load(makeModule({ ...parts, body: short }))).toBe(OK);
    expect(admit(makeModule({ ...parts, body: long }))).toBe(INVALID_MODULE);
  });
});

describe('admission knows where the instructions that a device runs begin and end', () => {
  it.each([
    [0x1c, INSTRUCTION_NOT_ALLOWED],
    [0x20, OK],
    [0x24, OK],
    [0x25, INSTRUCTION_NOT_ALLOWED],
    [0x26, INSTRUCTION_NOT_ALLOWED],
    [0x27, INSTRUCTION_NOT_ALLOWED],
    [0x28, OK],
    [0x3e, OK],
    [0x45, OK],
    [0xc4, OK],
    [0xc5, INSTRUCTION_NOT_ALLOWED],
    [0xc6, INSTRUCTION_NOT_ALLOWED],
  ])('0x%x: %i', (operation, status) => {
    // Two bytes of immediates, which are harmless instructions where there are none.
    expect(admit(makeModule({ body: [operation, 1, 1] }))).toBe(status);
  });

  it.each([
    [255, OK],
    [256, INSTRUCTION_NOT_ALLOWED],
  ])('a table of labels %i blocks deep: %i', (depth, status) => {
    const label = [(depth & 0x7f) | 0x80, depth >> 7];
    expect(admit(makeModule({ body: [...ZERO, 0x0e, 1, 0, ...label] }))).toBe(status);
    expect(admit(makeModule({ body: [...ZERO, 0x0e, 1, ...label, 0] }))).toBe(status);
  });
});

describe('a function is called only if it takes three i32 and returns one', () => {
  const withType = (type: readonly number[], body: readonly number[]): Uint8Array =>
    assemble(
      makeSections({ body }).map(([id, content]) =>
        id === 1 ? [1, [2, ...type, 0x60, 0, 0]] : [id, content],
      ),
    );

  it.each([
    ['i64', [0x60, 3, I32, I32, I32, 1, 0x7e], [0x42, 0]],
    ['f32', [0x60, 3, I32, I32, I32, 1, 0x7d], [0x43, 0, 0, 0, 0]],
    ['f64', [0x60, 3, I32, I32, I32, 1, 0x7c], [0x44, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['nothing', [0x60, 3, I32, I32, I32, 0], []],
  ])('and not if it returns %s', (_name, type, body) => {
    expect(load(withType(type, body))).toBe(WRONG_KIND);
  });

  it.each([
    ['two i32', [0x60, 2, I32, I32, 1, I32]],
    ['four i32', [0x60, 4, I32, I32, I32, I32, 1, I32]],
    ['an f32 as its third', [0x60, 3, I32, I32, 0x7d, 1, I32]],
  ])('and not if it takes %s', (_name, type) => {
    expect(load(withType(type, ZERO))).toBe(WRONG_KIND);
  });
});

describe('a core is opened only if its description holds', () => {
  const VERSION = 0;
  const MESSAGE_BYTES_MAX = 3;
  const CANDIDATES_ADDRESS = 6;

  /** The module with one number of the table that `describe` reads changed. */
  function described(index: number, value: number): Uint8Array {
    const module = Buffer.from(readDeviceModule());
    const { keysAddress, keySlots } = describeModule();
    const keys = Buffer.from(Uint32Array.of(keysAddress, keySlots).buffer);
    const table = module.indexOf(keys) - 4 * 4;
    expect(module.indexOf(keys, table + 20)).toBe(-1);
    module.writeUInt32LE(value, table + index * 4);
    return module;
  }

  const opened = (module: Uint8Array) => requireAnswers(SANITIZED, [openDevice(module)])[0]?.status;

  it.each([1, 3, 0, 2 ** 31])('and not with version %i of the ABI', (version) => {
    expect(opened(described(VERSION, version))).toBe(ABI_MISMATCH);
  });

  it.each([
    [64, OK],
    [63, WRONG_KIND],
    [0, WRONG_KIND],
    [2 ** 31, WRONG_KIND],
  ])('with room for a message of %i bytes: %i', (bytes, status) => {
    expect(opened(described(MESSAGE_BYTES_MAX, bytes))).toBe(status);
  });

  it.each([4090, 2 ** 31, 2 ** 32 - 1])('and not with candidates at %i', (address) => {
    expect(opened(described(CANDIDATES_ADDRESS, address))).toBe(WRONG_KIND);
  });
});

describe('the module itself refuses', () => {
  const { messageBytesMax, candidatesMax } = describeModule();
  const samplesMax = messageBytesMax / 32;
  const WEIGH = 12;
  const SCORE = 14;
  const answersOf = (...calls: Parameters<typeof requireAnswers>[1]) =>
    requireAnswers(SANITIZED, [openDevice(), ...calls]).map(({ status, result }) =>
      result.length === 4 ? Buffer.from(result).readInt32LE() : status,
    );

  it('more samples than fit, behind samples that are right', () => {
    const sample = { quality: 1, latency: 1, availability: 1, ageMs: 1 };
    const samples = new Array<typeof sample>(samplesMax).fill(sample);
    const answers = answersOf(
      requests.weigh(samples, 1000),
      requests.call(WEIGH, samplesMax, 0),
      requests.call(WEIGH, samplesMax + 1, 0),
    );
    expect(answers.slice(2)).toEqual([OK, OUT_OF_RANGE]);
  });

  it('more candidates than fit, behind candidates that are right', () => {
    const candidate = { price: 1, quality: 1, latencyMs: 1, availability: 1, fairness: 1, utilization: 0 };
    const answers = answersOf(
      requests.score(new Array<typeof candidate>(candidatesMax).fill(candidate)),
      requests.call(SCORE, candidatesMax, 0),
      requests.call(SCORE, candidatesMax + 1, 0),
    );
    expect(answers.slice(2)).toEqual([OK, OUT_OF_RANGE]);
  });
});
