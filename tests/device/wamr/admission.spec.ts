import { describe, expect, it } from 'vitest';
import { runnerCommand, uncheckedRunnerCommand } from '../../../device/native/layout.ts';
import {
  assemble,
  type ModuleParts,
  makeModule,
  makeSections,
  type Section,
  signed,
} from '../../../device/native/make-module.ts';
import * as requests from '../../../device/native/requests.ts';
import {
  DeviceStatus,
  type RunnerRequest,
  requireAnswers,
  runRequests,
} from '../../../device/native/runner.ts';
import {
  AMPLE_POOL_BYTES,
  AMPLE_STACK_BYTES,
  describeModule,
  openDevice,
  readDeviceModule,
} from './expectations.ts';

const SANITIZED = runnerCommand('sanitized');
const I32_CONST = 0x41;
const I32_STORE8 = [0x3a, 0, 0];
const I32_LOAD8 = [0x2d, 0, 0];
const ZERO = [I32_CONST, 0];

const load = (module: Uint8Array) => requests.load(AMPLE_POOL_BYTES, AMPLE_STACK_BYTES, module);

/** What admission says before WAMR says anything. */
function admit(module: Uint8Array): number | undefined {
  return requireAnswers(SANITIZED, [requests.admit(module)])[0]?.status;
}

/** What becomes of a module: the status of loading it and of calling it; behind it the core must still be right. */
function tryModule(module: Uint8Array): { loaded: number; called: number } {
  const [loaded, called, , opened, price] = requireAnswers(SANITIZED, [
    load(module),
    requests.call(1, 2, 3),
    requests.close(),
    openDevice(),
    requests.price(requests.PRICED),
  ]);
  expect(opened?.status).toBe(DeviceStatus.OK);
  expect(Buffer.from(price?.result ?? []).readBigUInt64LE()).toBe(requests.PRICED_MICROCENTS);
  return { loaded: loaded?.status ?? -1, called: called?.status ?? -1 };
}

describe('an honest module', () => {
  it('is loaded and answers', () => {
    expect(tryModule(makeModule())).toEqual({ loaded: DeviceStatus.OK, called: DeviceStatus.OK });
  });

  it('may have no memory at all', () => {
    const parts = { memory: null, heapBaseName: 'a', dataEndName: 'b' };
    expect(tryModule(makeModule(parts)).called).toBe(DeviceStatus.OK);
  });
});

describe('the data of a module', () => {
  const readLast = [I32_CONST, ...signed(4095), ...I32_LOAD8];

  it('is in its memory, up to the last byte', () => {
    const module = makeModule({
      body: readLast,
      data: [
        [4094, [7, 8]],
        [16, []],
        [20, [1]],
      ],
    });
    const [, called] = requireAnswers(SANITIZED, [load(module), requests.call(0, 0, 0)]);
    expect(Buffer.from(called?.result ?? []).readInt32LE()).toBe(8);
  });

  const refusals: [name: string, address: number, bytes: number[]][] = [
    ['ends behind it', 4095, [7, 8]],
    ['begins behind it', 4097, []],
    ['has an address that wraps', -1, [7, 8]],
  ];

  it.each(refusals)('is refused when it %s', (_name, address, bytes) => {
    expect(tryModule(makeModule({ data: [[address, bytes]] })).loaded).toBe(DeviceStatus.INVALID_MODULE);
  });

  it('is refused without a memory', () => {
    const parts: ModuleParts = { memory: null, heapBaseName: 'a', dataEndName: 'b', data: [[0, [1]]] };
    expect(tryModule(makeModule(parts)).loaded).toBe(DeviceStatus.INVALID_MODULE);
  });
});

describe('a pool of any size', () => {
  it('opens the core or is too small, and never breaks the host', () => {
    const sizes = Array.from({ length: 512 }, (_, i) => i * 32);
    const answers = requireAnswers(
      SANITIZED,
      sizes.flatMap((bytes) => [
        requests.open(bytes, AMPLE_STACK_BYTES, readDeviceModule()),
        requests.close(),
      ]),
    );
    const statuses = answers.filter((_, i) => i % 2 === 0).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([DeviceStatus.NO_MEMORY, DeviceStatus.OK]));
    expect(statuses.lastIndexOf(DeviceStatus.NO_MEMORY)).toBeLessThan(statuses.indexOf(DeviceStatus.OK));
  });

  it('with a stack of any size answers rightly or is stopped', () => {
    const sizes = Array.from({ length: 256 }, (_, i) => i * 16);
    const answers = requireAnswers(
      SANITIZED,
      sizes.flatMap((bytes) => [
        requests.open(AMPLE_POOL_BYTES, bytes, readDeviceModule()),
        requests.sha256(new Uint8Array(64)),
        requests.close(),
      ]),
    );
    const hashed = new Set(answers.filter((_, i) => i % 3 === 1).map(({ status }) => status));
    const known: number[] = [DeviceStatus.OK, DeviceStatus.TRAPPED, DeviceStatus.UNKNOWN_OPERATION];
    expect([...hashed].filter((status) => !known.includes(status))).toEqual([]);
    expect(hashed.has(DeviceStatus.OK)).toBe(true);
  });
});

describe('a module that misbehaves is stopped with a code, and the host answers the next call', () => {
  const attacks: [name: string, body: number[], status: number][] = [
    ['loops without end', [0x03, 0x40, 0x0c, 0, 0x0b, ...ZERO], DeviceStatus.INSTRUCTION_LIMIT],
    ['traps', [0x00], DeviceStatus.TRAPPED],
    ['divides by zero', [...ZERO, ...ZERO, 0x6d], DeviceStatus.TRAPPED],
    ['recurses without end', [...ZERO, ...ZERO, ...ZERO, 0x10, 0], DeviceStatus.TRAPPED],
    ['reads the byte behind its memory', [I32_CONST, ...signed(4096), ...I32_LOAD8], DeviceStatus.TRAPPED],
    [
      'writes the byte behind its memory',
      [I32_CONST, ...signed(4096), ...ZERO, ...I32_STORE8, ...ZERO],
      DeviceStatus.TRAPPED,
    ],
    ['reads from a wrapped address', [I32_CONST, ...signed(-1), ...I32_LOAD8], DeviceStatus.TRAPPED],
  ];

  it.each(attacks)('%s', (_name, body, status) => {
    expect(tryModule(makeModule({ body }))).toEqual({ loaded: DeviceStatus.OK, called: status });
  });

  it('uses its memory up to the last byte', () => {
    const body = [
      I32_CONST,
      ...signed(4095),
      I32_CONST,
      5,
      ...I32_STORE8,
      I32_CONST,
      ...signed(4095),
      ...I32_LOAD8,
    ];
    expect(tryModule(makeModule({ body })).called).toBe(DeviceStatus.OK);
  });
});

describe('a module is refused that', () => {
  const refusals: [name: string, parts: ModuleParts, status: number][] = [
    ['grows its memory', { body: [I32_CONST, 1, 0x40, 0] }, DeviceStatus.MEMORY_GROWS],
    ['imports a function', { imports: [['env', 'log', 0]] }, DeviceStatus.IMPORT_NOT_ALLOWED],
    ['imports a memory', { imports: [['env', 'memory', 2]], memory: null }, DeviceStatus.IMPORT_NOT_ALLOWED],
    ['has no memory maximum', { memory: [0, 1] }, DeviceStatus.MEMORY_LIMIT],
    ['may grow to two pages', { memory: [1, 1, 2] }, DeviceStatus.MEMORY_LIMIT],
    ['starts with two pages', { memory: [1, 2, 2] }, DeviceStatus.MEMORY_LIMIT],
    ['shares its memory', { memory: [3, 1, 1] }, DeviceStatus.MEMORY_LIMIT],
    ['cuts its memory below a page of the port', { heapBase: 80 }, DeviceStatus.HEAP_BASE],
    ['cuts its memory beside a page of the port', { heapBase: 4104 }, DeviceStatus.HEAP_BASE],
    ['cuts its memory to nothing', { heapBase: 0, dataEnd: 0 }, DeviceStatus.HEAP_BASE],
    ['cuts its memory to what no memory has', { heapBase: -4096 }, DeviceStatus.HEAP_BASE],
    ['wants two pages of the port', { heapBase: 8192 }, DeviceStatus.MEMORY_LIMIT],
    ['cuts down a memory without a page', { memory: [1, 0, 1] }, DeviceStatus.HEAP_BASE],
    ['has its data behind the cut', { dataEnd: 4097 }, DeviceStatus.HEAP_BASE],
    ['says where its heap begins in a variable', { isHeapBaseMutable: true }, DeviceStatus.FIRST_GLOBAL],
    ['exports no __heap_base', { heapBaseName: 'base' }, DeviceStatus.HEAP_BASE],
    ['exports no __data_end', { dataEndName: 'end' }, DeviceStatus.HEAP_BASE],
    ['exports a function as __heap_base', { alsoExportedAs: ['__heap_base'] }, DeviceStatus.HEAP_BASE],
    ['has no memory to cut', { memory: null }, DeviceStatus.HEAP_BASE],
    ['has a first variable that starts at 8', { mutableGlobal: 8 }, DeviceStatus.FIRST_GLOBAL],
    ['has a start function', { hasStart: true }, DeviceStatus.RUNS_AT_LOAD],
    [
      'exports what WAMR runs while loading',
      { alsoExportedAs: ['__post_instantiate'] },
      DeviceStatus.RUNS_AT_LOAD,
    ],
    [
      'copies memory in bulk',
      { body: [...ZERO, ...ZERO, ...ZERO, 0xfc, 10, 0, 0, ...ZERO] },
      DeviceStatus.INSTRUCTION_NOT_ALLOWED,
    ],
    ['uses SIMD', { body: [0xfd, 12] }, DeviceStatus.INSTRUCTION_NOT_ALLOWED],
  ];

  it.each(refusals)('%s', (_name, parts, status) => {
    const module = makeModule(parts);
    expect(admit(module)).toBe(status);
    expect(tryModule(module).loaded).toBe(status);
  });

  it('has too little on its stack, which WAMR finds', () => {
    const module = makeModule({ body: [] });
    expect(admit(module)).toBe(DeviceStatus.OK);
    expect(tryModule(module).loaded).toBe(DeviceStatus.INVALID_MODULE);
  });

  it('is empty', () => {
    expect(tryModule(new Uint8Array(0)).loaded).toBe(DeviceStatus.INVALID_MODULE);
  });

  it('has 1 MB', () => {
    const padding = Uint8Array.from([0, 0x80, 0x80, 0x40]);
    const large = Buffer.concat([makeModule(), padding, Buffer.alloc(1024 * 1024 - 200)]);
    expect(tryModule(large).loaded).toBe(DeviceStatus.MODULE_TOO_LARGE);
  });

  it('exports no call', () => {
    const module = Buffer.from(makeModule());
    module.write('cell', module.indexOf('call'));
    expect(tryModule(module).loaded).toBe(DeviceStatus.WRONG_KIND);
  });
});

/** What WAMR would refuse, too, in a way or a version of its own; here the device's own check must. */
describe('admission alone', () => {
  const sections = makeSections({ data: [[20, [1]]] });
  const SECTION = { MEMORY: 5, GLOBAL: 6, EXPORT: 7, CODE: 10, DATA: 11 } as const;
  const CUSTOM: Section = [0, [1, 0x61]];
  const { OK, INVALID_MODULE, MEMORY_LIMIT, HEAP_BASE, INSTRUCTION_NOT_ALLOWED } = DeviceStatus;

  const find = (id: number): Section => sections.find(([one]) => one === id) as Section;
  const changed = (id: number, content: readonly number[]): Uint8Array =>
    assemble(sections.map((section): Section => (section[0] === id ? [id, content] : section)));
  const without = (id: number): Section[] => sections.filter(([one]) => one !== id);
  const inserted = (section: Section, before: number): Uint8Array =>
    assemble(without(section[0]).flatMap((one) => (one[0] === before ? [section, one] : [one])));

  const orders: [name: string, status: number, module: Uint8Array][] = [
    ['its code before its exports', INVALID_MODULE, inserted(find(SECTION.CODE), SECTION.EXPORT)],
    ['its memory behind its globals', INVALID_MODULE, inserted(find(SECTION.MEMORY), SECTION.EXPORT)],
    ['its code behind its data', INVALID_MODULE, assemble([...without(SECTION.CODE), find(SECTION.CODE)])],
    [
      'its globals twice',
      INVALID_MODULE,
      assemble(sections.flatMap((one) => (one[0] === SECTION.GLOBAL ? [one, one] : [one]))),
    ],
    ['its data twice', INVALID_MODULE, assemble([...sections, find(SECTION.DATA)])],
    ['a section that there is not', INVALID_MODULE, assemble([...sections, [12, [1]]])],
    ['custom sections between all others', OK, assemble(sections.flatMap((one) => [CUSTOM, one, CUSTOM]))],
  ];

  it.each(orders)('of a module that has %s answers %i', (_name, status, module) => {
    expect(admit(module)).toBe(status);
  });

  const bounds: [name: string, status: number, parts: ModuleParts][] = [
    ['constants behind a variable of 0', OK, { hasFirstGlobal: true }],
    ['a variable as __heap_base', HEAP_BASE, { hasFirstGlobal: true, isHeapBaseMutable: true }],
    ['a variable as __data_end', HEAP_BASE, { hasFirstGlobal: true, isDataEndMutable: true }],
    ['an i64 as __heap_base', HEAP_BASE, { heapBaseGlobal: [0x7e, 0, 0x42, ...signed(4096), 0x0b] }],
    ['a copied value as __heap_base', HEAP_BASE, { heapBaseGlobal: [0x7f, 0, 0x23, 0, 0x0b] }],
    ['__heap_base twice', HEAP_BASE, { heapBaseAgainAs: ['__heap_base'] }],
    ['__data_end twice', HEAP_BASE, { heapBaseAgainAs: ['__data_end'] }],
    ['__heap_base under a second name, too', OK, { heapBaseAgainAs: ['base'] }],
  ];

  it.each(bounds)('of a module that exports %s answers %i', (_name, status, parts) => {
    expect(admit(makeModule(parts))).toBe(status);
  });

  it.each([
    ['two memories', MEMORY_LIMIT, [2, 1, 1, 1, 1, 1, 1]],
    ['two memories without a maximum', MEMORY_LIMIT, [2, 0, 1, 0, 1]],
    ['no memory, and more behind it', INVALID_MODULE, [0, 0]],
    // Their number, 1, in LEB128.
    ['its number of memories in five bytes', OK, [0x81, 0x80, 0x80, 0x80, 0x00, 1, 1, 1]],
    ['bit 32 in a number', INVALID_MODULE, [0x81, 0x80, 0x80, 0x80, 0x10, 1, 1, 1]],
    ['bit 34 in a number', INVALID_MODULE, [0x81, 0x80, 0x80, 0x80, 0x40, 1, 1, 1]],
    ['a number in six bytes', INVALID_MODULE, [0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 1, 1, 1]],
  ])('of a module that has %s answers %i', (_name, status, content) => {
    expect(admit(changed(SECTION.MEMORY, content))).toBe(status);
  });

  it.each([SECTION.MEMORY, SECTION.GLOBAL, SECTION.EXPORT, SECTION.CODE, SECTION.DATA])(
    'refuses a module whose section %i goes on behind its entries',
    (id) => {
      expect(admit(changed(id, find(id)[1]))).toBe(OK);
      expect(admit(changed(id, [...find(id)[1], 0]))).toBe(INVALID_MODULE);
    },
  );

  it.each([
    [0, OK],
    [7, OK],
    [8, INSTRUCTION_NOT_ALLOWED],
    [9, INSTRUCTION_NOT_ALLOWED],
    [10, INSTRUCTION_NOT_ALLOWED],
  ])('of a module with the instruction 0xfc %i answers %i', (operation, status) => {
    expect(admit(makeModule({ body: [0xfc, operation, 0, 0] }))).toBe(status);
  });
});

describe('the limit of instructions', () => {
  const { OK, INSTRUCTION_LIMIT, TIME_LIMIT } = DeviceStatus;
  const NOPS = new Array<number>(1000).fill(0x01);
  const skipping = makeModule({ body: [...ZERO, 0x04, 0x40, ...NOPS, 0x0b, ...ZERO] });
  const clearing = makeModule({
    body: [0x10, 1, ...ZERO],
    functions: [{ locals: [[0xc8, 0x01, 0x7e]], body: [] }],
  });
  const call = requests.call(0, 0, 0);
  const statuses = (module: Uint8Array, ...further: RunnerRequest[]) =>
    requireAnswers(SANITIZED, [load(module), ...further]).map(({ status }) => status);

  it('counts the bytes that are scanned for the end of a block, and not again while its place is known', () => {
    expect(statuses(skipping, requests.limit(500, 0), call)).toEqual([OK, OK, INSTRUCTION_LIMIT]);
    const known = [requests.limit(600, 0), call, requests.limit(10, 0), call];
    expect(statuses(skipping, ...known)).toEqual([OK, OK, OK, OK, OK]);
  });

  it('counts the locals that a call clears', () => {
    expect(statuses(clearing, requests.limit(100, 0), call)).toEqual([OK, OK, INSTRUCTION_LIMIT]);
    expect(statuses(clearing, requests.limit(110, 0), call)).toEqual([OK, OK, OK]);
  });

  it('is exact beyond the portion after which the clock is looked at', () => {
    // 5,000 nops and what stands around them: the constant and the end.
    const counted = makeModule({ body: [...new Array<number>(5000).fill(0x01), ...ZERO] });
    expect(statuses(counted, requests.limit(5001, 0), call, requests.limit(5002, 0), call)).toEqual([
      OK,
      OK,
      INSTRUCTION_LIMIT,
      OK,
      OK,
    ]);
  });

  it('stands beside a limit in time, and the module answers the next call after either', () => {
    const mayLoop = makeModule({
      body: [0x20, 0, 0x04, 0x40, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b, ...ZERO],
    });
    const loop = requests.call(1, 0, 0);
    const HOUR_MS = 3_600_000;
    expect(
      statuses(
        mayLoop,
        requests.limit(2 ** 31 - 1, 1),
        loop,
        call,
        requests.limit(100_000, HOUR_MS),
        loop,
        call,
      ),
    ).toEqual([OK, OK, TIME_LIMIT, OK, OK, INSTRUCTION_LIMIT, OK]);
  });
});

describe('a module answers the next call', () => {
  const { OK, OUT_OF_RANGE, TRAPPED, INSTRUCTION_LIMIT } = DeviceStatus;
  const statuses = (module: Uint8Array, ...further: RunnerRequest[]) =>
    requireAnswers(SANITIZED, [load(module), ...further, requests.call(0, 0, 0)]).map(({ status }) => status);
  // What it does unless its first argument is 0.
  const mayDo = (body: readonly number[]) =>
    makeModule({ body: [0x20, 0, 0x04, 0x40, ...body, 0x0b, ...ZERO] });

  it.each([
    ['a trap', TRAPPED, [0x00]],
    ['the limit of instructions', INSTRUCTION_LIMIT, [0x03, 0x40, 0x0c, 0, 0x0b]],
  ])('after %s', (_name, status, body) => {
    expect(statuses(mayDo(body), requests.call(1, 0, 0))).toEqual([OK, status, OK]);
  });

  it('after the host looked behind its memory', () => {
    expect(statuses(makeModule(), requests.readMemory(4095, 1), requests.readMemory(4095, 2))).toEqual([
      OK,
      OK,
      OUT_OF_RANGE,
      OK,
    ]);
  });
});

describe('an imported secret', () => {
  const { memoryBytes } = describeModule();

  it.each([4, 64, 65, 2048, 2049, 5000])("of %i bytes is nowhere in the core's memory", (bytes) => {
    const [, imported, memory] = requireAnswers(SANITIZED, [
      openDevice(),
      requests.importKey(0, new Uint8Array(bytes).fill(0xa5)),
      requests.readMemory(0, memoryBytes),
    ]);
    expect(imported?.status).toBe(DeviceStatus.OK);
    expect(memory?.result).toHaveLength(memoryBytes);
    expect(Buffer.from(memory?.result ?? []).includes(Buffer.alloc(4, 0xa5))).toBe(false);
  });
});

describe('the first defect of WAMR: a cut memory is checked against its page, not against its end', () => {
  // 16 bytes behind a memory of 80 bytes: inside the page, in the heap of the host.
  const attack = makeModule({
    heapBase: 80,
    body: [I32_CONST, ...signed(96), I32_CONST, 1, ...I32_STORE8, ...ZERO],
  });

  it('is refused', () => {
    expect(tryModule(attack).loaded).toBe(DeviceStatus.HEAP_BASE);
  });

  it("writes the host's memory when it isn't refused", () => {
    const { exitCode, stderr } = runRequests(uncheckedRunnerCommand(), [
      load(attack),
      requests.call(0, 0, 0),
    ]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('AddressSanitizer: heap-buffer-overflow');
    expect(stderr).toContain('WRITE of size 1');
  });
});

describe('the second defect of WAMR: a variable that starts between 1 and __heap_base is taken for a stack pointer', () => {
  const victim = makeModule({
    mutableGlobal: 8,
    body: [I32_CONST, ...signed(5000), 0x24, 2, 0x23, 2],
  });

  it('is refused', () => {
    expect(tryModule(victim).loaded).toBe(DeviceStatus.FIRST_GLOBAL);
  });

  it("traps a module that V8 runs when it isn't refused", () => {
    const module = new WebAssembly.Module(new Uint8Array(victim));
    const call = new WebAssembly.Instance(module).exports.call as () => number;
    expect(call()).toBe(5000);
    const [loaded, called] = requireAnswers(uncheckedRunnerCommand(), [load(victim), requests.call(0, 0, 0)]);
    expect(loaded?.status).toBe(DeviceStatus.OK);
    expect(called?.status).toBe(DeviceStatus.TRAPPED);
  });

  it('is none when the variable starts at 0', () => {
    const body = [I32_CONST, ...signed(5000), 0x24, 2, 0x23, 2];
    expect(tryModule(makeModule({ mutableGlobal: 0, body })).called).toBe(DeviceStatus.OK);
  });
});
