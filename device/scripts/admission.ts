import { NATIVE_MODULE } from '../sdk/natives.ts';
import { ModuleReader, Refusal, type RefusalReason, VALUE_TYPE } from './module-reader.ts';

/**
 * The check that a module passes before a device loads it: `device/core/yg_admission.c` in TypeScript, for the build of
 * scripts and for devices that run them in V8. `npm run device:test` holds both to the same answers.
 */
export interface AdmissionPolicy {
  readonly bytesMax: number;
  readonly memoryBytesMax: number;
  readonly pageBytes: number;
  /** Names that may be imported from `yg`. */
  readonly imports: ReadonlySet<string>;
}

/** What an admitted module is. */
export interface AdmittedModule {
  readonly ok: true;
  /** Linear memory that a device gives it. */
  readonly memoryBytes: number;
  /** Bytes that a device copies to RAM: all before the data section. */
  readonly codeBytes: number;
  readonly imports: readonly string[];
}

export type Admission = AdmittedModule | { readonly ok: false; readonly reason: RefusalReason };

const WASM_PAGE_BYTES = 65_536;
const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const Section = {
  CUSTOM: 0,
  TYPE: 1,
  IMPORT: 2,
  MEMORY: 5,
  GLOBAL: 6,
  EXPORT: 7,
  START: 8,
  CODE: 10,
  DATA: 11,
} as const;
const KIND_FUNCTION = 0;
const KIND_GLOBAL = 3;
/** Three i32 to one: what every function of a device is. */
const NATIVE_TYPE = [0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f];

interface Facts {
  readonly policy: AdmissionPolicy;
  readonly imports: string[];
  types: ModuleReader | null;
  globals: ModuleReader | null;
  /** Bytes of the memory as its section says; null without one. */
  initialBytes: number | null;
  heapBase: number | null;
  dataEnd: number | null;
  lastDataEnd: number;
  codeBytes: number;
}

/** Whether a module may be loaded, or the reason why not. It may be any bytes. */
export function admit(module: Uint8Array, policy: AdmissionPolicy): Admission {
  const facts: Facts = {
    policy,
    imports: [],
    types: null,
    globals: null,
    initialBytes: null,
    heapBase: null,
    dataEnd: null,
    lastDataEnd: 0,
    codeBytes: module.length,
  };
  try {
    checkModule(module, facts);
    checkBounds(facts);
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.reason };
    throw error;
  }
  return { ok: true, memoryBytes: facts.heapBase ?? 0, codeBytes: facts.codeBytes, imports: facts.imports };
}

function checkModule(module: Uint8Array, facts: Facts): void {
  if (module.length > facts.policy.bytesMax) throw new Refusal('MODULE_TOO_LARGE');
  const reader = new ModuleReader(module);
  const header = reader.bytes(HEADER.length);
  if (HEADER.some((byte, i) => header[i] !== byte)) throw new Refusal('INVALID_MODULE');
  let last: number = Section.CUSTOM;
  while (reader.left > 0) {
    const start = reader.at;
    const id = reader.byte();
    const section = reader.part(reader.u32());
    // Each section once and in order, so that none is seen here and replaced behind.
    if (id > Section.DATA || (id !== Section.CUSTOM && id <= last)) throw new Refusal('INVALID_MODULE');
    if (id !== Section.CUSTOM) last = id;
    if (id === Section.DATA) facts.codeBytes = start;
    checkSection(id, section, facts);
  }
}

function checkSection(id: number, section: ModuleReader, facts: Facts): void {
  if (id === Section.TYPE) facts.types = section;
  else if (id === Section.IMPORT) checkImports(section, facts);
  else if (id === Section.MEMORY) checkMemories(section, facts);
  else if (id === Section.GLOBAL) checkGlobals(section, facts);
  else if (id === Section.EXPORT) checkExports(section, facts);
  else if (id === Section.START) throw new Refusal('RUNS_AT_LOAD');
  else if (id === Section.CODE) section.checkCode();
  else if (id === Section.DATA) checkData(section, facts);
}

function checkImports(section: ModuleReader, facts: Facts): void {
  const count = section.u32();
  for (let i = 0; i < count; i++) {
    const module = section.name();
    const name = section.name();
    const kind = section.byte();
    // An imported memory, table or global would be one that no rule below has seen.
    const isAllowed = kind === KIND_FUNCTION && module === NATIVE_MODULE && facts.policy.imports.has(name);
    if (!isAllowed) throw new Refusal('IMPORT_NOT_ALLOWED');
    checkImportType(section.u32(), facts);
    facts.imports.push(name);
  }
  section.requireEnd();
}

function checkImportType(index: number, facts: Facts): void {
  try {
    const types = facts.types?.copy() ?? new ModuleReader(new Uint8Array());
    if (index < types.u32()) {
      for (let i = 0; i < index; i++) {
        types.byte();
        types.bytes(types.u32());
        types.bytes(types.u32());
      }
      if (NATIVE_TYPE.every((byte) => types.byte() === byte)) return;
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  throw new Refusal('IMPORT_NOT_ALLOWED');
}

function checkMemories(section: ModuleReader, facts: Facts): void {
  const count = section.u32();
  if (count > 0) {
    const flags = section.byte();
    const initial = section.u32();
    if (count > 1 || flags !== 1) throw new Refusal('MEMORY_LIMIT');
    const maximum = section.u32();
    if (initial > 1 || maximum > 1) throw new Refusal('MEMORY_LIMIT');
    facts.initialBytes = initial * WASM_PAGE_BYTES;
  }
  section.requireEnd();
}

function checkGlobals(section: ModuleReader, facts: Facts): void {
  facts.globals = section.copy();
  const count = section.u32();
  let isFirst = true;
  for (let i = 0; i < count; i++) {
    const { type, isMutable, i32 } = section.global();
    if (!isMutable || type !== VALUE_TYPE.I32) continue;
    if (isFirst && i32 !== 0) throw new Refusal('FIRST_GLOBAL');
    isFirst = false;
  }
  section.requireEnd();
}

function checkExports(section: ModuleReader, facts: Facts): void {
  const count = section.u32();
  for (let i = 0; i < count; i++) {
    const name = section.name();
    const kind = section.byte();
    const index = section.u32();
    if (!name.startsWith('_')) continue;
    if (name !== '__heap_base' && name !== '__data_end') throw new Refusal('RUNS_AT_LOAD');
    const isHeapBase = name === '__heap_base';
    if (kind !== KIND_GLOBAL || (isHeapBase ? facts.heapBase : facts.dataEnd) !== null) {
      throw new Refusal('HEAP_BASE');
    }
    const bound = readBound(index, facts);
    if (isHeapBase) facts.heapBase = bound;
    else facts.dataEnd = bound;
  }
  section.requireEnd();
}

/** The value of an exported global: a constant i32, or a refusal. */
function readBound(index: number, facts: Facts): number {
  const globals = facts.globals?.copy();
  const count = globals?.u32() ?? 0;
  if (globals === undefined || index >= count) throw new Refusal('HEAP_BASE');
  for (let i = 0; i < index; i++) globals.global();
  const { type, isMutable, i32 } = globals.global();
  if (isMutable || type !== VALUE_TYPE.I32 || i32 === null) throw new Refusal('HEAP_BASE');
  return i32;
}

function checkData(section: ModuleReader, facts: Facts): void {
  const count = section.u32();
  for (let i = 0; i < count; i++) {
    facts.lastDataEnd = Math.max(facts.lastDataEnd, section.segmentEnd());
  }
  section.requireEnd();
}

function checkBounds({ policy, initialBytes, heapBase, dataEnd, lastDataEnd }: Facts): void {
  if (lastDataEnd > (initialBytes === null ? 0 : (heapBase ?? 0))) throw new Refusal('INVALID_MODULE');
  if (initialBytes === null) {
    if (heapBase !== null || dataEnd !== null) throw new Refusal('HEAP_BASE');
    return;
  }
  if (heapBase === null || dataEnd === null) throw new Refusal('HEAP_BASE');
  const isWhole = heapBase !== 0 && heapBase % policy.pageBytes === 0;
  // WAMR cuts only down: with a smaller start the memory would stay what the section says.
  if (!isWhole || dataEnd > heapBase || heapBase > initialBytes) throw new Refusal('HEAP_BASE');
  if (heapBase > policy.memoryBytesMax) throw new Refusal('MEMORY_LIMIT');
}
