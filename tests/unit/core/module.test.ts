import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ABI_VERSION, openModule } from '../../../assembly/host/abi.ts';
import { WasmCore } from '../../../assembly/host/device-core.ts';
import { CoreError, loadDeviceCore, loadServerCore } from '../../../assembly/host/node.ts';
import { makeBytes, readModule } from './cores.ts';
import { I32, MEMORY_GROW, readWasm, SIMD_PREFIX } from './wasm-binary.ts';

const PAGE_BYTES = 65_536;
/** The compiler takes most of a quiet machine's core for 15 s. */
const BUILD_TIMEOUT_MS = 120_000;

const modules = [
  { name: 'core', entry: 'index', bytes: readModule('core'), bytesMax: 32_768 },
  { name: 'device', entry: 'device', bytes: readModule('device'), bytesMax: 4096 },
] as const;

describe.each(modules)('module $name', ({ name, entry, bytes, bytesMax }) => {
  const binary = readWasm(bytes);

  it('imports nothing', () => {
    expect(binary.importCount).toBe(0);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(bytes)))).toEqual([]);
  });

  it('never grows its memory, and could not', () => {
    expect(binary.opcodes.size).toBeGreaterThan(20);
    expect(binary.opcodes.has(MEMORY_GROW)).toBe(false);
    expect(binary.memory.maximumPages).toBe(binary.memory.initialPages);
  });

  it(`is smaller than ${bytesMax} bytes`, () => {
    expect(bytes.length).toBeLessThan(bytesMax);
  });

  it('holds no state in globals, so none can be taken for a stack pointer', () => {
    const [firstMutable] = binary.globals.filter(({ isMutable, type }) => isMutable && type === I32);
    expect(firstMutable?.value ?? 0).toBe(0);
  });

  describe('built again', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'core-'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it(
      'is the same byte for byte',
      () => {
        const outFile = join(folder, `${name}.wasm`);
        const compiler = 'node_modules/assemblyscript/bin/asc.js';
        execFileSync(process.execPath, [compiler, `assembly/${entry}.ts`, '--target', name, '-o', outFile]);
        expect(Buffer.compare(readFileSync(outFile), bytes)).toBe(0);
      },
      BUILD_TIMEOUT_MS,
    );
  });
});

describe('core.wasm', () => {
  it('uses SIMD', () => {
    const { opcodes } = readWasm(readModule('core'));
    expect([...opcodes].filter((opcode) => opcode >> 16 === SIMD_PREFIX).length).toBeGreaterThan(10);
  });
});

describe.each([
  { name: 'device', memoryBytes: 1792, tables: [512, 4, 16] },
  { name: 'device-gateway', memoryBytes: 4096, tables: [2048, 16, 64] },
] as const)('$name.wasm', ({ name, memoryBytes, tables }) => {
  const bytes = readModule(name);
  const binary = readWasm(bytes);

  it('uses neither SIMD nor bulk memory, which its runtime leaves out', () => {
    expect([...binary.opcodes].filter((opcode) => opcode >> 16 === SIMD_PREFIX)).toEqual([]);
    expect([...binary.opcodes].filter((opcode) => opcode >= (0xfc << 16) + 8)).toEqual([]);
  });

  it('exports one function, and the end of its memory as whole pages of 256 bytes', () => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
    expect(Object.keys(exports).sort()).toEqual(['__data_end', '__heap_base', 'call', 'memory']);
    expect((exports.__heap_base as WebAssembly.Global).value).toBe(memoryBytes);
    expect((exports.__data_end as WebAssembly.Global).value).toBe(memoryBytes);
    expect(binary.globals.every(({ isMutable }) => !isMutable)).toBe(true);
  });

  it('places its data below its first buffer', () => {
    expect(binary.dataEnd).toBeGreaterThan(768);
    expect(binary.dataEnd).toBeLessThanOrEqual(896);
  });

  it('writes nothing above its memory, whatever it does', () => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
    const call = exports.call as (operation: number, a: number, b: number) => number;
    const memory = new Uint8Array((exports.memory as WebAssembly.Memory).buffer);
    const [message, messageBytesMax, slots] = [2, 3, 5].map((what) => call(0, what, 0)) as [
      number,
      number,
      number,
    ];
    expect(message + messageBytesMax).toBeLessThanOrEqual(memoryBytes - 8);
    memory.set(makeBytes(messageBytesMax), message);
    expect(call(4, slots - 1, 64)).toBe(0);
    for (let operation = 0; operation < 16; operation++) {
      for (const [a, b] of [
        [slots - 1, messageBytesMax],
        [64, 0],
        [messageBytesMax, 0],
        [messageBytesMax - 1, 0],
      ] as const) {
        memory.set(makeBytes(messageBytesMax), message);
        call(operation, a, b);
      }
    }
    expect(memory.subarray(memoryBytes).every((byte) => byte === 0)).toBe(true);
    expect(memory.length).toBe(PAGE_BYTES);
  });

  it('refuses what it has no room for, by status', () => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
    const call = exports.call as (operation: number, a: number, b: number) => number;
    const [messageBytesMax, slots, candidatesMax] = [3, 5, 7].map((what) => call(0, what, 0)) as [
      number,
      number,
      number,
    ];
    expect([messageBytesMax, slots, candidatesMax]).toEqual(tables);
    expect(call(2, messageBytesMax + 1, 0)).toBe(2);
    expect(call(2, -1, 0)).toBe(2);
    for (const withKey of [4, 5, 6, 7, 8, 9]) expect(call(withKey, slots, 0)).toBe(2);
    for (const withKey of [5, 6]) expect(call(withKey, 0, messageBytesMax + 1)).toBe(2);
    expect(call(4, 0, 65)).toBe(2);
    expect(call(12, messageBytesMax / 32 + 1, 0)).toBe(2);
    expect(call(14, candidatesMax + 1, 0)).toBe(2);
    expect(call(15, 0, 0)).toBe(5);
    expect(call(-1, 0, 0)).toBe(5);
    expect(call(0, 8, 0)).toBe(-1);
  });

  it('leaves no trace of a secret in memory', () => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
    const call = exports.call as (operation: number, a: number, b: number) => number;
    const memory = Buffer.from((exports.memory as WebAssembly.Memory).buffer);
    const message = call(0, 2, 0);
    for (const length of [5, 32, 63, 64]) {
      const secret = makeBytes(length, 3);
      memory.set(secret, message);
      expect(call(4, 0, length)).toBe(0);
      expectNoTrace(memory, secret.subarray(0, 5));
    }
  });
});

describe.each(modules)('host of module $name', ({ bytes }) => {
  it.each([64, 65, 128, 200, 2048, 2049, 70_000])(
    'leaves no trace of a secret of %i bytes in memory',
    (length) => {
      const module = openModule(bytes);
      const core = new WasmCore('device', module, null);
      const memory = Buffer.from(module.memory);
      const secret = makeBytes(length, 3);
      core.importKey(secret);
      const { messageAddress, messageBytesMax } = module;
      const messageBuffer = memory.subarray(messageAddress, messageAddress + messageBytesMax);
      expect(messageBuffer.every((byte) => byte === 0)).toBe(true);
      for (const at of [0, 60, length - 60, length - 5]) expectNoTrace(memory, secret.subarray(at, at + 5));
      // The hash of a secret is as good as the secret.
      const hash = core.sha256(secret);
      core.importKey(secret);
      expectNoTrace(memory, hash.subarray(0, 5));
    },
  );
});

// Five bytes of a secret, as they are or as HMAC pads them.
function expectNoTrace(memory: Buffer, bytes: Uint8Array): void {
  for (const pad of [0, 0x36, 0x5c]) {
    const padded = Buffer.from(bytes.map((byte) => byte ^ pad));
    expect(memory.includes(padded)).toBe(false);
    // The message schedule holds words the other way round.
    const swapped = Buffer.from([...padded.subarray(0, 4)].reverse());
    expect(memory.includes(swapped)).toBe(false);
  }
}

describe('loading', () => {
  const codeOf = (load: () => unknown) => {
    try {
      load();
    } catch (error) {
      return error instanceof CoreError ? error.code : error;
    }
    return 'loaded';
  };

  it('refuses bytes that are no WebAssembly', () => {
    expect(codeOf(() => loadServerCore(makeBytes(100)))).toBe('CORE_INVALID_MODULE');
    expect(codeOf(() => loadDeviceCore(new Uint8Array()))).toBe('CORE_INVALID_MODULE');
    expect(codeOf(() => loadDeviceCore(readModule('device').subarray(0, -20)))).toBe('CORE_INVALID_MODULE');
  });

  it('refuses a module that is no core', () => {
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    expect(codeOf(() => loadDeviceCore(empty))).toBe('CORE_WRONG_KIND');
  });

  it('refuses a module that wants imports', () => {
    // (import "a" "b" (func))
    const importing = Uint8Array.of(
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...[1, 4, 1, 0x60, 0, 0],
      ...[2, 7, 1, 1, 0x61, 1, 0x62, 0, 0],
    );
    expect(codeOf(() => loadDeviceCore(importing))).toBe('CORE_INVALID_MODULE');
  });

  it('refuses another ABI version', () => {
    const bytes = Uint8Array.from(readModule('device'));
    // The description begins with the version and the address of the I/O buffer.
    const at = Buffer.from(bytes).indexOf(Buffer.of(ABI_VERSION, 0, 0, 0, 0x10, 0, 0, 0));
    expect(at).toBeGreaterThan(0);
    bytes[at] = ABI_VERSION + 1;
    expect(codeOf(() => loadDeviceCore(bytes))).toBe('CORE_ABI_MISMATCH');
  });

  it("refuses the device's module as the server's, and takes the server's as the device's", () => {
    expect(codeOf(() => loadServerCore(readModule('device')))).toBe('CORE_WRONG_KIND');
    expect(codeOf(() => loadDeviceCore(readModule('core')))).toBe('loaded');
  });
});
