import { instantiateSync } from '@assemblyscript/loader';
import { CoreError } from './errors.ts';

/** The version of the ABI this facade speaks. */
export const ABI_VERSION = 2;

/** Operations of the export `call`; the numbers are those of the module's dispatcher. */
export const Operation = {
  DESCRIBE: 0,
  START_HASH: 1,
  UPDATE: 2,
  FINISH_HASH: 3,
  IMPORT_KEY: 4,
  SIGN: 5,
  VERIFY: 6,
  START_SIGNATURE: 7,
  FINISH_SIGNATURE: 8,
  FINISH_VERIFICATION: 9,
  PRICE: 10,
  SPLIT: 11,
  WEIGH: 12,
  UPDATE_QUALITY: 13,
  SCORE: 14,
} as const;

/** What an export answers instead of a result. */
export const Status = {
  OK: 0,
  OVERFLOW: 1,
  OUT_OF_RANGE: 2,
  TAG_MISMATCH: 3,
  EMPTY: 4,
  UNKNOWN_OPERATION: 5,
} as const;

/** Offsets into the I/O buffer, and sizes, in bytes. */
export const STREAM_BYTES = 112;
export const DIGEST_OFFSET = 112;
export const TAG_OFFSET = 144;
export const VALUES_OFFSET = 176;
export const VALUES_COUNT = 10;
export const TAG_BYTES = 32;
export const BLOCK_BYTES = 64;
export const KEY_BYTES = 64;

/** The one entry of both modules. */
export type Call = (operation: number, a: number, b: number) => number;

/** An instance whose ABI was checked, and where its buffers are. */
export interface Module {
  readonly exports: WebAssembly.Exports;
  readonly memory: ArrayBuffer;
  readonly call: Call;
  readonly ioAddress: number;
  readonly messageAddress: number;
  readonly messageBytesMax: number;
  readonly keysAddress: number;
  readonly keySlots: number;
  readonly candidatesAddress: number;
  readonly candidatesMax: number;
}

/**
 * Instantiates a module and checks that it is a core of this ABI version. Throws {@link CoreError}: `CORE_INVALID_MODULE`
 * when it isn't WebAssembly, wants imports or doesn't start, `CORE_WRONG_KIND` when it has no `call` or no memory,
 * `CORE_ABI_MISMATCH` when it speaks another version.
 */
export function openModule(bytes: Uint8Array): Module {
  const exports = instantiate(bytes);
  const { call, memory } = exports;
  if (typeof call !== 'function' || !(memory instanceof WebAssembly.Memory)) {
    throw new CoreError('CORE_WRONG_KIND', 'The module is no compute core: it exports no call or no memory.');
  }
  const version = Number(call(Operation.DESCRIBE, 0, 0));
  if (version !== ABI_VERSION) {
    throw new CoreError(
      'CORE_ABI_MISMATCH',
      `The compute core speaks ABI version ${version}, this program needs ${ABI_VERSION}. Build both from one source.`,
    );
  }
  const describe = (what: number) => Number(call(Operation.DESCRIBE, what, 0));
  return {
    exports,
    memory: memory.buffer,
    call: call as Call,
    ioAddress: describe(1),
    messageAddress: describe(2),
    messageBytesMax: describe(3),
    keysAddress: describe(4),
    keySlots: describe(5),
    candidatesAddress: describe(6),
    candidatesMax: describe(7),
  };
}

function instantiate(bytes: Uint8Array): WebAssembly.Exports {
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(new Uint8Array(bytes));
  } catch (cause) {
    throw new CoreError('CORE_INVALID_MODULE', 'The compute core is no valid WebAssembly module.', { cause });
  }
  const imports = WebAssembly.Module.imports(module);
  if (imports.length > 0) {
    const names = imports.map(({ module, name }) => `${module}.${name}`).join(', ');
    throw new CoreError(
      'CORE_INVALID_MODULE',
      `The compute core must not import anything, but wants ${names}.`,
    );
  }
  try {
    return instantiateSync(module).instance.exports;
  } catch (cause) {
    throw new CoreError('CORE_INVALID_MODULE', "The compute core doesn't start.", { cause });
  }
}

/** What core.wasm exports beside `call`. */
export interface BatchExports {
  readonly scoreBatch: (count: number) => number;
  readonly signBatch: (from: number, to: number) => number;
  readonly batchMax: number;
  readonly batchOffsetsAddress: number;
  readonly batchLengthsAddress: number;
  readonly batchSlotsAddress: number;
  readonly batchTagsAddress: number;
  readonly batchArenaAddress: number;
  readonly batchArenaBytes: number;
}

/** What core.wasm exports for its cipher. */
export interface CipherExports {
  readonly sealText: (length: number, associatedLength: number) => number;
  readonly openText: (length: number, associatedLength: number) => number;
  readonly cipherAddress: number;
  readonly cipherTextBytesMax: number;
}

/** The exports of core.wasm. Throws {@link CoreError} `CORE_WRONG_KIND` when the module has no batches. */
export function requireServerExports(exports: WebAssembly.Exports): BatchExports & CipherExports {
  type Functions = Pick<BatchExports & CipherExports, 'scoreBatch' | 'signBatch' | 'sealText' | 'openText'>;
  const requireFunction = <Name extends keyof Functions>(name: Name) => {
    const value = exports[name];
    if (typeof value !== 'function') throw missing(name);
    return value as Functions[Name];
  };
  const requireNumber = (name: string) => {
    const value = exports[name];
    if (!(value instanceof WebAssembly.Global)) throw missing(name);
    return Number(value.value);
  };
  return {
    sealText: requireFunction('sealText'),
    openText: requireFunction('openText'),
    cipherAddress: requireNumber('cipherAddress'),
    cipherTextBytesMax: requireNumber('cipherTextBytesMax'),
    scoreBatch: requireFunction('scoreBatch'),
    signBatch: requireFunction('signBatch'),
    batchMax: requireNumber('batchMax'),
    batchOffsetsAddress: requireNumber('batchOffsetsAddress'),
    batchLengthsAddress: requireNumber('batchLengthsAddress'),
    batchSlotsAddress: requireNumber('batchSlotsAddress'),
    batchTagsAddress: requireNumber('batchTagsAddress'),
    batchArenaAddress: requireNumber('batchArenaAddress'),
    batchArenaBytes: requireNumber('batchArenaBytes'),
  };
}

function missing(name: string): CoreError {
  return new CoreError(
    'CORE_WRONG_KIND',
    `The module exports no ${name}: it is the device's core, or a broken build of the server's.`,
  );
}

/** Throws {@link CoreError} `CORE_REFUSED` unless a status is OK. */
export function requireOk(status: number): void {
  if (status !== Status.OK)
    throw new CoreError('CORE_REFUSED', `The compute core answered status ${status}.`);
}
