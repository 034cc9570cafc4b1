/** Why a module is refused: the names of `yg_status.h`, without `YG_`. */
export type RefusalReason =
  | 'INVALID_MODULE'
  | 'MODULE_TOO_LARGE'
  | 'IMPORT_NOT_ALLOWED'
  | 'MEMORY_GROWS'
  | 'MEMORY_LIMIT'
  | 'HEAP_BASE'
  | 'FIRST_GLOBAL'
  | 'RUNS_AT_LOAD'
  | 'INSTRUCTION_NOT_ALLOWED';

/** A module that a device must not run. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super(reason);
    this.reason = reason;
  }
}

export const VALUE_TYPE = { F64: 0x7c, I32: 0x7f, EMPTY: 0x40 } as const;

const Op = {
  MEMORY_SIZE: 0x3f,
  MEMORY_GROW: 0x40,
  I32_CONST: 0x41,
  I64_CONST: 0x42,
  F32_CONST: 0x43,
  F64_CONST: 0x44,
  BR_TABLE: 0x0e,
  CALL_INDIRECT: 0x11,
  GLOBAL_GET: 0x23,
  END: 0x0b,
  PREFIX_FC: 0xfc,
} as const;

/** Without immediates: unreachable, nop, else, end, return, drop, select. */
const PLAIN: ReadonlySet<number> = new Set([0x00, 0x01, 0x05, Op.END, 0x0f, 0x1a, 0x1b]);
/** block, loop, if. */
const BLOCKS: ReadonlySet<number> = new Set([0x02, 0x03, 0x04]);
/** With an index: br, br_if, call, local.get, local.set, local.tee, global.get, global.set. */
const INDEXED: ReadonlySet<number> = new Set([0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, Op.GLOBAL_GET, 0x24]);
/** The last of the saturating conversions behind the prefix; bulk memory follows. */
const SATURATING_LAST = 7;
const BRANCH_DEPTH_MAX = 255;

/** Reads a module's bytes as `device/core/yg_reader.c` and `yg_instructions.c` do. Throws `Refusal` where they refuse. */
export class ModuleReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** A reader of what is left. */
  copy(): ModuleReader {
    return new ModuleReader(this.#bytes.subarray(this.#at));
  }

  bytes(count: number): Uint8Array {
    if (count > this.left) throw new Refusal('INVALID_MODULE');
    const start = this.#at;
    this.#at += count;
    return this.#bytes.subarray(start, this.#at);
  }

  byte(): number {
    return this.bytes(1)[0] as number;
  }

  part(bytes: number): ModuleReader {
    return new ModuleReader(this.bytes(bytes));
  }

  name(): string {
    return String.fromCharCode(...this.bytes(this.u32()));
  }

  requireEnd(): void {
    if (this.left > 0) throw new Refusal('INVALID_MODULE');
  }

  /** LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Refusal('INVALID_MODULE');
  }

  /** Signed LEB128 of `width` bits: the lowest 32 of them, unsigned. */
  signed(width: number): number {
    let value = 0n;
    for (let shift = 0; shift < width; shift += 7) {
      const byte = this.byte();
      if (shift + 7 > width) {
        const beyond = 0x7f & ~((1 << (width - shift - 1)) - 1);
        const isExtended = (byte & beyond) === 0 || (byte & beyond) === beyond;
        if (byte >= 0x80 || !isExtended) break;
      }
      value |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte >= 0x80) continue;
      if ((byte & 0x40) !== 0) value |= -1n << BigInt(shift + 7);
      return Number(BigInt.asUintN(32, value));
    }
    throw new Refusal('INVALID_MODULE');
  }

  /** A global and its constant: `i32` is null where that is no i32.const. */
  global(): { type: number; isMutable: boolean; i32: number | null } {
    const type = this.byte();
    const mutability = this.byte();
    const operation = this.byte();
    let i32: number | null = null;
    if (operation === Op.I32_CONST) i32 = this.signed(32);
    else if (operation === Op.GLOBAL_GET) this.u32();
    else if (!this.#readConstant(operation)) throw new Refusal('INVALID_MODULE');
    if (this.byte() !== Op.END || mutability > 1 || !isValueType(type)) throw new Refusal('INVALID_MODULE');
    return { type, isMutable: mutability === 1, i32 };
  }

  /** Reads an active segment of memory 0 at a constant address, and returns the address behind it. */
  segmentEnd(): number {
    const kind = this.u32();
    const operation = this.byte();
    const address = this.signed(32);
    if (kind !== 0 || operation !== Op.I32_CONST || this.byte() !== Op.END)
      throw new Refusal('INVALID_MODULE');
    const bytes = this.u32();
    this.bytes(bytes);
    return address + bytes;
  }

  /** The code section. */
  checkCode(): void {
    const count = this.u32();
    for (let i = 0; i < count; i++) this.part(this.u32()).#checkBody();
    this.requireEnd();
  }

  #checkBody(): void {
    const groups = this.u32();
    for (let i = 0; i < groups; i++) {
      this.u32();
      if (!isValueType(this.byte())) throw new Refusal('INVALID_MODULE');
    }
    while (this.left > 0) this.#checkInstruction();
  }

  /** One instruction and its immediates (core specification, 5.4). Anything that isn't known here is refused. */
  #checkInstruction(): void {
    const operation = this.byte();
    if ((operation >= 0x45 && operation <= 0xc4) || PLAIN.has(operation)) return;
    if (operation >= 0x28 && operation <= 0x3e) {
      this.u32();
      this.u32();
    } else if (BLOCKS.has(operation)) {
      const type = this.byte();
      if (type !== VALUE_TYPE.EMPTY && !isValueType(type)) throw new Refusal('INSTRUCTION_NOT_ALLOWED');
    } else if (INDEXED.has(operation)) {
      this.u32();
    } else if (operation === Op.BR_TABLE) {
      const count = this.u32();
      for (let i = 0; i <= count; i++) {
        if (this.u32() > BRANCH_DEPTH_MAX) throw new Refusal('INSTRUCTION_NOT_ALLOWED');
      }
    } else if (operation === Op.CALL_INDIRECT || operation === Op.MEMORY_SIZE) {
      if (operation === Op.CALL_INDIRECT) this.u32();
      if (this.byte() !== 0) throw new Refusal('INVALID_MODULE');
    } else if (operation === Op.MEMORY_GROW) {
      throw new Refusal('MEMORY_GROWS');
    } else if (operation === Op.PREFIX_FC) {
      if (this.u32() > SATURATING_LAST) throw new Refusal('INSTRUCTION_NOT_ALLOWED');
    } else if (operation === Op.I32_CONST) {
      this.signed(32);
    } else if (!this.#readConstant(operation)) {
      throw new Refusal('INSTRUCTION_NOT_ALLOWED');
    }
  }

  /** The value of a constant that is no i32. False for any other instruction. */
  #readConstant(operation: number): boolean {
    if (operation === Op.I64_CONST) this.signed(64);
    else if (operation === Op.F32_CONST) this.bytes(4);
    else if (operation === Op.F64_CONST) this.bytes(8);
    else return false;
    return true;
  }
}

function isValueType(type: number): boolean {
  return type >= VALUE_TYPE.F64 && type <= VALUE_TYPE.I32;
}
