/** The parts of a small WebAssembly module; what isn't given is what an honest module has. */
export interface ModuleParts {
  /** Instructions of `call`, which takes and returns i32s, without the `end`. */
  readonly body?: readonly number[];
  /** Groups of locals of `call`, encoded: how many, and their type. */
  readonly locals?: readonly (readonly number[])[];
  /** Further functions without parameters and results, from index 1 on; the table lists them, if there is one. */
  readonly functions?: readonly FunctionParts[] | undefined;
  /** Whether there is a table, for indirect calls; its entry 0 is the first of the further functions. */
  readonly hasTable?: boolean;
  /** `module`, `name` and kind (0 function, 2 memory) of an import. */
  readonly imports?: readonly (readonly [module: string, name: string, kind: 0 | 2])[];
  /** The type of imported functions: 0 that of `call`, 1 neither parameters nor results. */
  readonly importType?: 0 | 1;
  /** The memory section's limits, or null for no memory. */
  readonly memory?: readonly number[] | null;
  /** Initial value of `__heap_base`, and whether it is mutable. */
  readonly heapBase?: number;
  readonly dataEnd?: number;
  readonly isHeapBaseMutable?: boolean;
  readonly isDataEndMutable?: boolean;
  /** A global in place of `__heap_base`, encoded. */
  readonly heapBaseGlobal?: readonly number[];
  /** Names under which the two globals are exported. */
  readonly heapBaseName?: string;
  readonly dataEndName?: string;
  /** Initial value of a mutable i32 global, the third. */
  readonly mutableGlobal?: number;
  /** A mutable i32 global of 0 before all others. */
  readonly hasFirstGlobal?: boolean;
  /** Further exports of `call`. */
  readonly alsoExportedAs?: readonly string[];
  /** Names under which `__heap_base` is exported once more. */
  readonly heapBaseAgainAs?: readonly string[];
  readonly hasStart?: boolean;
  /** Bytes that lie in memory from an address on. */
  readonly data?: readonly (readonly [address: number, bytes: readonly number[]])[];
}

/** A function without parameters and results. */
export interface FunctionParts {
  readonly locals?: readonly (readonly number[])[] | undefined;
  /** Its instructions, without the `end`. */
  readonly body: readonly number[];
}

const I32 = 0x7f;
const I32_CONST = 0x41;
const END = 0x0b;
const KIND_FUNCTION = 0;
const KIND_MEMORY = 2;
const KIND_GLOBAL = 3;
/** Type 0 is the type of `call`, type 1 has neither parameters nor results. */
const TYPES = [2, 0x60, 3, I32, I32, I32, 1, I32, 0x60, 0, 0];

/** One page that is the maximum too. */
const ONE_PAGE: readonly number[] = [1, 1, 1];

/** A section: its number and its content. */
export type Section = readonly [id: number, content: readonly number[]];

/** Assembles a module (WebAssembly core specification, section 5.5). */
export function makeModule(parts: ModuleParts = {}): Uint8Array {
  return assemble(makeSections(parts));
}

/** A module of these sections, in this order. */
export function assemble(sections: readonly Section[]): Uint8Array {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return Uint8Array.from([
    ...header,
    ...sections.flatMap(([id, content]) => [id, ...unsigned(content.length), ...content]),
  ]);
}

/** The sections of a module, in the order of the specification. */
export function makeSections(parts: ModuleParts = {}): Section[] {
  const {
    body = [I32_CONST, 0],
    locals,
    imports = [],
    memory = ONE_PAGE,
    hasStart = false,
    data = [],
  } = parts;
  const { functions = [], hasTable = false } = parts;
  const bodies = [{ locals, body }, ...functions, ...(hasStart ? [{ body: [] }] : [])].map(functionBody);
  const imported = imports.filter(([, , kind]) => kind === KIND_FUNCTION).length;
  const optional = (isThere: boolean, section: Section): Section[] => (isThere ? [section] : []);
  return [
    [1, TYPES],
    ...optional(imports.length > 0, [
      2,
      [imports.length, ...imports.flatMap((entry) => importEntry(entry, parts.importType ?? 1))],
    ]),
    [3, [...unsigned(bodies.length), 0, ...bodies.slice(1).map(() => 1)]],
    ...optional(hasTable, [4, [1, 0x70, 0, 1]]),
    ...optional(memory !== null, [5, [1, ...(memory ?? [])]]),
    [6, globals(parts)],
    [7, exports(parts, imported, memory !== null)],
    ...optional(hasStart, [8, [imported + bodies.length - 1]]),
    ...optional(hasTable, [9, [1, 0, I32_CONST, 0, END, 1, imported + 1]]),
    [10, [...unsigned(bodies.length), ...bodies.flat()]],
    ...optional(data.length > 0, [11, [data.length, ...data.flatMap(segment)]]),
  ];
}

function globals({
  heapBase = 4096,
  dataEnd = 16,
  isHeapBaseMutable = false,
  isDataEndMutable = false,
  heapBaseGlobal = global(heapBase, isHeapBaseMutable),
  hasFirstGlobal = false,
  mutableGlobal,
}: ModuleParts): number[] {
  const entries = [
    ...(hasFirstGlobal ? [global(0, true)] : []),
    heapBaseGlobal,
    global(dataEnd, isDataEndMutable),
    ...(mutableGlobal === undefined ? [] : [global(mutableGlobal, true)]),
  ];
  return [entries.length, ...entries.flat()];
}

function exports(parts: ModuleParts, callIndex: number, hasMemory: boolean): number[] {
  const { heapBaseName = '__heap_base', dataEndName = '__data_end' } = parts;
  const { alsoExportedAs = [], heapBaseAgainAs = [] } = parts;
  const heapBaseIndex = parts.hasFirstGlobal ? 1 : 0;
  const entries = [
    ...['call', ...alsoExportedAs].map((name) => [...text(name), KIND_FUNCTION, callIndex]),
    ...[heapBaseName, ...heapBaseAgainAs].map((name) => [...text(name), KIND_GLOBAL, heapBaseIndex]),
    [...text(dataEndName), KIND_GLOBAL, heapBaseIndex + 1],
    ...(hasMemory ? [[...text('memory'), KIND_MEMORY, 0]] : []),
  ];
  return [entries.length, ...entries.flat()];
}

function importEntry([module, name, kind]: readonly [string, string, 0 | 2], type: 0 | 1): number[] {
  return [...text(module), ...text(name), kind, ...(kind === KIND_FUNCTION ? [type] : ONE_PAGE)];
}

function segment([address, bytes]: readonly [number, readonly number[]]): number[] {
  return [0, I32_CONST, ...signed(address), END, ...unsigned(bytes.length), ...bytes];
}

function global(value: number, isMutable: boolean): number[] {
  return [I32, isMutable ? 1 : 0, I32_CONST, ...signed(value), END];
}

function functionBody({ locals = [], body: instructions }: FunctionParts): number[] {
  const body = [...unsigned(locals.length), ...locals.flat(), ...instructions, END];
  return [...unsigned(body.length), ...body];
}

function text(value: string): number[] {
  return [value.length, ...Buffer.from(value)];
}

/** LEB128, as a number of the binary format. */
export function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** Signed LEB128, as the immediate of an i32.const. */
export function signed(value: number): number[] {
  const isLast = value >= -64 && value < 64;
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
