import { type ModuleParts, makeModule, unsigned } from './make-module.ts';

/** A module that makes the most of each instruction it is charged for. */
export interface HostileModule {
  readonly name: string;
  readonly module: Uint8Array;
  /** How many instructions it is to run: many more than one of its tricks is charged as. */
  readonly instructions: number;
}

const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const IF = [0x04, 0x40];
const END = 0x0b;
const NOP = 0x01;
const BR = 0x0c;
const BR_IF = 0x0d;
const BR_TABLE = 0x0e;
const CALL_FIRST = [0x10, 1];
const CALL_INDIRECT = [0x41, 0, 0x11, 1, 0];
const DROP = 0x1a;
const ZERO = [0x41, 0];
const ONE = [0x41, 1];
const I32 = 0x7f;
const I64 = 0x7e;
const F32 = 0x7d;
const F64 = 0x7c;

/** In the longest module that a core's policy allows there is room for this many instructions of one byte. */
const NOPS_MAX = 5800;
/** Times that an instruction is repeated in a loop, so that the loop itself counts little. */
const REPEATS = 64;

const nops = (count: number): number[] => new Array<number>(count).fill(NOP);
const repeat = (count: number, instructions: readonly number[]): number[] =>
  new Array<readonly number[]>(count).fill(instructions).flat();
const endless = (body: readonly number[]): number[] => [...LOOP, ...body, BR, 0, END, ...ZERO];

/** Blocks whose ends are far away, in each way a module can make an interpreter look for them. */
const scanning: readonly (readonly [name: string, parts: ModuleParts])[] = [
  [
    '4 ifs before nops',
    { body: endless([...repeat(4, [...ZERO, ...IF]), ...nops(NOPS_MAX), ...repeat(4, [END])]) },
  ],
  [
    '4 ifs beside each other, before nops',
    { body: endless(repeat(4, [...ZERO, ...IF, ...nops(NOPS_MAX / 4), END])) },
  ],
  [
    '24 ifs with nops',
    { body: endless(repeat(24, [...ZERO, ...IF, ...nops(Math.floor(NOPS_MAX / 24) - 5), END])) },
  ],
  [
    '100 nested ifs before nops',
    { body: endless([...repeat(100, [...ONE, ...IF]), ...nops(4000), ...repeat(100, [END])]) },
  ],
  [
    '100 nested blocks, left at once',
    { body: endless([...repeat(100, BLOCK), BR, 0, ...nops(4000), ...repeat(100, [END])]) },
  ],
  [
    '8 blocks, each left over nops',
    { body: endless(repeat(8, [...BLOCK, BR, 0, ...nops(NOPS_MAX / 8 - 8), END])) },
  ],
  // What a search has most work with, byte by byte, behind the ends it looks for.
  ...(
    [
      ['blocks beside each other', [...BLOCK, END]],
      ['long constants', [0x41, 0x80, 0x80, 0x80, 0x80, 0, DROP]],
      ['calls with a long index', [0x10, 0x81, 0x80, 0x80, 0x80, 0]],
      ['branches', [BR, 0]],
      ['tables of one label', [...ZERO, BR_TABLE, 0, 0]],
      ['conversions behind the prefix', [0x43, 0, 0, 0, 0, 0xfc, 0, DROP]],
      ['loads', [...ZERO, 0x28, 0, 0, DROP]],
    ] as const
  ).map(
    ([name, filler]) =>
      [
        `4 ifs before ${name}`,
        {
          body: endless([
            ...repeat(4, [...ZERO, ...IF]),
            ...repeat(Math.floor(NOPS_MAX / filler.length), filler),
            ...repeat(4, [END]),
          ]),
          functions: [{ body: [] }],
        },
      ] as const,
  ),
  [
    '4 ifs before 100 nested blocks',
    {
      body: endless([
        ...repeat(4, [...ZERO, ...IF]),
        ...repeat(100, BLOCK),
        ...repeat(100, [END]),
        ...repeat(4, [END]),
      ]),
    },
  ],
  ['one block that is always the same, left', { body: endless([...LOOP, ...BLOCK, BR, 0, END, BR, 0, END]) }],
  ['one if that is always the same', { body: endless([...LOOP, ...ONE, ...IF, END, BR, 0, END]) }],
  ['one block, left over and over', { body: endless(repeat(REPEATS, [...BLOCK, BR, 0, END])) }],
  ['one if, entered over and over', { body: endless(repeat(REPEATS, [...ZERO, ...IF, END])) }],
  [
    'a block in a loop whose end is always the same',
    { body: endless([...BLOCK, ...LOOP, ...ZERO, BR_IF, 0, BR, 1, END, END]) },
  ],
  [
    'a table of 200 labels',
    { body: endless([...BLOCK, 0x41, 0x7f, BR_TABLE, ...unsigned(200), ...repeat(201, [0]), END]) },
  ],
];

/** Calls, with what they make an interpreter prepare. */
const calling: readonly (readonly [name: string, parts: ModuleParts])[] = [
  ['calls of an empty function', { body: endless(repeat(REPEATS, CALL_FIRST)), functions: [{ body: [] }] }],
  [
    'calls of a function with 400 locals',
    {
      body: endless(repeat(REPEATS, CALL_FIRST)),
      functions: [{ locals: [[...unsigned(400), I64]], body: [] }],
    },
  ],
  [
    'indirect calls of a function with 400 locals',
    {
      body: endless(repeat(REPEATS, CALL_INDIRECT)),
      functions: [{ locals: [[...unsigned(400), I64]], body: [] }],
      hasTable: true,
    },
  ],
];

/** Loads and stores at addresses that aren't aligned. */
const memory: readonly (readonly [name: string, parts: ModuleParts])[] = [
  ...[0x28, 0x29, 0x2a, 0x2b, 0x32].map(
    (operation) =>
      [
        `loads 0x${operation.toString(16)}, not aligned`,
        { body: endless(repeat(REPEATS, [0x41, 3, operation, 0, 0, DROP])) },
      ] as const,
  ),
  ['stores of 8 bytes, not aligned', { body: endless(repeat(REPEATS, [0x41, 3, 0x42, 5, 0x37, 0, 0])) }],
];

/** The operands and the result of every numeric instruction (core specification, 5.4.7). */
const numeric: readonly (readonly [from: number, to: number, operands: readonly number[], result: number])[] =
  [
    [0x45, 0x45, [I32], I32],
    [0x46, 0x4f, [I32, I32], I32],
    [0x50, 0x50, [I64], I32],
    [0x51, 0x5a, [I64, I64], I32],
    [0x5b, 0x60, [F32, F32], I32],
    [0x61, 0x66, [F64, F64], I32],
    [0x67, 0x69, [I32], I32],
    [0x6a, 0x78, [I32, I32], I32],
    [0x79, 0x7b, [I64], I64],
    [0x7c, 0x8a, [I64, I64], I64],
    [0x8b, 0x91, [F32], F32],
    [0x92, 0x98, [F32, F32], F32],
    [0x99, 0x9f, [F64], F64],
    [0xa0, 0xa6, [F64, F64], F64],
    [0xa7, 0xa7, [I64], I32],
    [0xa8, 0xa9, [F32], I32],
    [0xaa, 0xab, [F64], I32],
    [0xac, 0xad, [I32], I64],
    [0xae, 0xaf, [F32], I64],
    [0xb0, 0xb1, [F64], I64],
    [0xb2, 0xb3, [I32], F32],
    [0xb4, 0xb5, [I64], F32],
    [0xb6, 0xb6, [F64], F32],
    [0xb7, 0xb8, [I32], F64],
    [0xb9, 0xba, [I64], F64],
    [0xbb, 0xbb, [F32], F64],
    [0xbc, 0xbc, [F32], I32],
    [0xbd, 0xbd, [F64], I64],
    [0xbe, 0xbe, [I32], F32],
    [0xbf, 0xbf, [I64], F64],
    [0xc0, 0xc1, [I32], I32],
    [0xc2, 0xc4, [I64], I64],
  ];

const f32 = (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];
const f64 = (value: number): number[] => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)];

/** Instructions that give an operand of a type, one for each set of operands. */
const OPERANDS: readonly Readonly<Record<number, readonly number[]>>[] = [
  { [I32]: [0x41, 3], [I64]: [0x42, 3], [F32]: f32(1.1), [F64]: f64(1.1) },
  {
    [I32]: [0x41, 0xff, 0xff, 0xff, 0xff, 0x07],
    [I64]: [0x42, ...repeat(8, [0xff]), 0xff, 0x00],
    [F32]: f32(1.5e9),
    [F64]: f64(1.5e9),
  },
  { [I32]: [0x41, 0x7f], [I64]: [0x42, 0x7d], [F32]: f32(1e-40), [F64]: f64(1e-310) },
  {
    [I32]: [0x41, 0x80, 0x80, 0x80, 0x80, 0x78],
    [I64]: [0x42, ...repeat(9, [0x80]), 0x7f],
    [F32]: f32(-3e38),
    [F64]: f64(-1e308),
  },
];

/**
 * A loop of one numeric instruction. One that gives what it takes is fed its own result, and only its other operand comes
 * from a local, so that as few instructions as possible stand beside it.
 */
function numericLoop(
  operation: number,
  operands: readonly number[],
  result: number,
  set: number,
): ModuleParts {
  const value = (type: number): readonly number[] => OPERANDS[set]?.[type] ?? [];
  const type = operands[0] ?? I32;
  // Locals 0 to 2 are the parameters of `call`.
  const before = [...value(type), 0x21, 3];
  const get = [0x20, 3];
  const isChain = type === result;
  const chain = [...get, ...repeat(REPEATS, [...(operands.length === 2 ? get : []), operation]), DROP];
  const single = repeat(REPEATS, [...repeat(operands.length, get), operation, DROP]);
  return { locals: [[1, type]], body: [...before, ...endless(isChain ? chain : single)] };
}

function numericModules(): [string, ModuleParts][] {
  return numeric.flatMap(([from, to, operands, result]) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i).flatMap((operation) =>
      OPERANDS.map((_, set): [string, ModuleParts] => [
        `0x${operation.toString(16)} with operands ${set}`,
        numericLoop(operation, operands, result, set),
      ]),
    ),
  );
}

/** The corpus: none of them ends by itself; some numeric instructions trap on some operands. */
export function hostileModules(): HostileModule[] {
  const make =
    (instructions: number) =>
    ([name, parts]: readonly [string, ModuleParts]) => ({
      name,
      module: makeModule(parts),
      instructions,
    });
  return [
    ...[...scanning, ...calling].map(make(20_000)),
    ...[...memory, ...numericModules()].map(make(2000)),
  ];
}
