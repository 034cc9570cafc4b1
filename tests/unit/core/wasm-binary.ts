/** What the tests want to know of a module's binary (WebAssembly Core Specification, section 5). */
export interface WasmBinary {
  readonly importCount: number;
  readonly memory: { readonly initialPages: number; readonly maximumPages: number | null };
  readonly globals: readonly { readonly isMutable: boolean; readonly type: number; readonly value: number }[];
  readonly dataEnd: number;
  /** Opcodes used; those behind a prefix as `prefix << 16 | code`. */
  readonly opcodes: ReadonlySet<number>;
}

export const I32 = 0x7f;
export const MEMORY_GROW = 0x40;
export const SIMD_PREFIX = 0xfd;

/** Reads a module. Throws when a section or a function body doesn't end where it says it does. */
export function readWasm(bytes: Uint8Array): WasmBinary {
  const reader = new Reader(bytes, 8);
  const opcodes = new Set<number>();
  const globals: { isMutable: boolean; type: number; value: number }[] = [];
  let importCount = 0;
  let memory: WasmBinary['memory'] = { initialPages: 0, maximumPages: null };
  let dataEnd = 0;
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    if (id === 2) importCount = reader.unsigned();
    if (id === 5) {
      reader.unsigned();
      const hasMaximum = reader.unsigned() & 1;
      memory = { initialPages: reader.unsigned(), maximumPages: hasMaximum ? reader.unsigned() : null };
    }
    if (id === 6) {
      for (let left = reader.unsigned(); left > 0; left--) {
        const type = reader.byte();
        const isMutable = reader.byte() === 1;
        globals.push({ type, isMutable, value: reader.constant() });
      }
    }
    if (id === 10) {
      for (let left = reader.unsigned(); left > 0; left--) reader.functionBody(opcodes);
    }
    if (id === 11) {
      for (let left = reader.unsigned(); left > 0; left--) {
        if (reader.unsigned() !== 0) throw new Error('A data segment that is not active in memory 0.');
        const start = reader.constant();
        const length = reader.unsigned();
        reader.at += length;
        dataEnd = Math.max(dataEnd, start + length);
      }
    }
    if ([5, 6, 10, 11].includes(id) && reader.at !== end) throw new Error(`Section ${id} ends elsewhere.`);
    reader.at = end;
  }
  return { importCount, memory, globals, dataEnd, opcodes };
}

class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw new Error('The module ends early.');
    return value;
  }

  /** LEB128 without sign; only its low 32 bits are right. */
  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** An expression of one constant: i32.const, or any other as NaN. */
  constant(): number {
    const opcode = this.byte();
    this.immediates(opcode);
    const last = this.at;
    if (this.byte() !== 0x0b) throw new Error('A constant of more than one instruction.');
    if (opcode !== 0x41) return Number.NaN;
    return this.#signedBefore(last);
  }

  functionBody(opcodes: Set<number>): void {
    const size = this.unsigned();
    const end = this.at + size;
    for (let groups = this.unsigned(); groups > 0; groups--) {
      this.unsigned();
      this.byte();
    }
    while (this.at < end) {
      const opcode = this.byte();
      opcodes.add(this.immediates(opcode));
    }
    if (this.at !== end) throw new Error('A function body ends elsewhere.');
  }

  /** Skips what follows an opcode, and returns the opcode with its prefix. */
  immediates(opcode: number): number {
    if (opcode === 0xfc || opcode === SIMD_PREFIX) return this.#prefixed(opcode);
    if (opcode === 0x0e) {
      for (let left = this.unsigned(); left >= 0; left--) this.unsigned();
    } else if (opcode === 0x11 || (opcode >= 0x28 && opcode <= 0x3e)) {
      this.unsigned();
      this.unsigned();
    } else if (opcode === 0x43) this.at += 4;
    else if (opcode === 0x44) this.at += 8;
    else if (ONE_IMMEDIATE.has(opcode)) this.unsigned();
    return opcode;
  }

  #prefixed(prefix: number): number {
    const code = this.unsigned();
    if (prefix === 0xfc) {
      if (code === 8 || code === 10) this.at += 2;
      else if (code > 7) this.at += 1;
    } else if (code <= 11 || code === 92 || code === 93) {
      this.unsigned();
      this.unsigned();
    } else if (code === 12 || code === 13) this.at += 16;
    else if (code >= 21 && code <= 34) this.at += 1;
    else if (code >= 84 && code <= 91) {
      this.unsigned();
      this.unsigned();
      this.at += 1;
    }
    return (prefix << 16) | code;
  }

  // The signed LEB128 number that ends before a position.
  #signedBefore(end: number): number {
    let start = end - 1;
    while (((this.#bytes[start - 1] ?? 0) & 0x80) !== 0) start--;
    let value = 0;
    let shift = 0;
    for (let at = start; at < end; at++, shift += 7) value |= ((this.#bytes[at] ?? 0) & 0x7f) << shift;
    const isNegative = ((this.#bytes[end - 1] ?? 0) & 0x40) !== 0 && shift < 32;
    return isNegative ? value | (-1 << shift) : value;
  }
}

// block, loop, if, br, br_if, call, local.get to global.set, memory.size, memory.grow, i32.const, i64.const.
const ONE_IMMEDIATE = new Set([
  0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x3f, 0x40, 0x41, 0x42,
]);
