import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutFolder } from '../node/checkout.ts';
import { type AdmittedModule, admit } from './admission.ts';
import { MEMORY_BYTES_MAX, MODULE_BYTES_MAX, PAGE_BYTES } from './limits.ts';
import type { RefusalReason } from './module-reader.ts';
import { SCRIPT_POLICY } from './policy.ts';

/** A script that can't be built. The message says why, and where. */
export class ScriptBuildError extends Error {
  override readonly name = 'ScriptBuildError';
}

/** The file of a script, beside its `script.json`. */
export const SOURCE_FILE = 'script.ts';

const ENTRY = 'entry.ts';
const OUTPUT = 'script.wasm';
/** The device calls one function, because each export costs it memory. Handlers that a script doesn't have are left out. */
const ENTRY_SOURCE = `
import * as script from './${SOURCE_FILE.replace('.ts', '')}';

export function call(event: i32, a: i32, b: i32): i32 {
  if (event == 0) {
    if (isDefined(script.start)) script.start();
  } else if (event == 1) {
    if (isDefined(script.stop)) script.stop();
  } else if (event == 2) {
    if (isDefined(script.tick)) script.tick(a);
  } else if (event == 3) {
    if (isDefined(script.command)) return script.command();
    return -1;
  }
  return 0;
}

const END: i32 = ASC_LOW_MEMORY_LIMIT;
export { END as __data_end, END as __heap_base };
`;
/** No allocation, the fewest functions: see device/core/README.md for what each of them costs a device. */
const OPTIONS = [
  ...['--runtime', 'stub', '--use', 'abort=', '--memoryBase', '16', '--noAssert', '--disable', 'bulk-memory'],
  ...['-O2', '--converge', '--runPasses', 'coalesce-locals', '--initialMemory', '1', '--maximumMemory', '1'],
];
/** What asc says where the memory given by `--lowMemoryLimit` is too small; the first number is what it would take. */
const MEMORY_TOO_SMALL = /Low memory limit exceeded by static data: (\d+) >/;

/** What a device says of a module, in words for who wrote it. */
const REASONS: Readonly<Record<RefusalReason, string>> = {
  INVALID_MODULE: 'the module is malformed',
  MODULE_TOO_LARGE: `the module is larger than ${MODULE_BYTES_MAX} bytes`,
  IMPORT_NOT_ALLOWED: 'it imports something that no device has: only functions of "yggdrasil" can be called',
  MEMORY_GROWS:
    'its memory grows: it makes an object, an array or a text. Use numbers, texts that stand in the source, and memory.data',
  MEMORY_LIMIT: `its memory is larger than ${MEMORY_BYTES_MAX} bytes`,
  HEAP_BASE: 'its memory has no fixed end',
  FIRST_GLOBAL: 'its first variable outside of functions must begin with 0 or false: set it in start()',
  RUNS_AT_LOAD: 'it runs code outside of functions: move it to start()',
  INSTRUCTION_NOT_ALLOWED: 'it has an instruction that devices do not know',
};

/** A compiled script that a device would admit. */
export interface CompiledScript extends AdmittedModule {
  readonly module: Uint8Array;
}

/**
 * Compiles the `script.ts` of a folder with the installed AssemblyScript, and checks it by the rules of devices. Memory is
 * as small as its static data lets it be. Throws ScriptBuildError.
 */
export async function compileScript(folder: string): Promise<CompiledScript> {
  let memoryBytes = PAGE_BYTES;
  let result = await runCompiler(folder, memoryBytes);
  const needed = MEMORY_TOO_SMALL.exec(result.messages)?.[1];
  if (result.module === null && needed !== undefined) {
    memoryBytes = Math.ceil(Number(needed) / PAGE_BYTES) * PAGE_BYTES;
    if (memoryBytes <= MEMORY_BYTES_MAX) result = await runCompiler(folder, memoryBytes);
  }
  if (result.module === null) throw new ScriptBuildError(`${folder} can't be compiled:\n${result.messages}`);
  const admission = admit(result.module, SCRIPT_POLICY);
  if (!admission.ok) {
    throw new ScriptBuildError(`no device would run ${folder}: ${REASONS[admission.reason]}.`);
  }
  return { ...admission, module: result.module };
}

async function runCompiler(
  folder: string,
  memoryBytes: number,
): Promise<{ module: Uint8Array | null; messages: string }> {
  const { main } = await loadCompiler();
  let module: Uint8Array | null = null;
  const messages: string[] = [];
  const stream = { write: (text: string | Uint8Array) => void messages.push(String(text)) };
  const sdk = join(checkoutFolder(), 'device/sdk/assembly');
  const args = [
    ENTRY,
    '--lib',
    sdk,
    ...OPTIONS,
    '--lowMemoryLimit',
    String(memoryBytes),
    '--outFile',
    OUTPUT,
  ];
  await main([...args, '--baseDir', folder], {
    stdout: stream,
    stderr: stream,
    readFile: (name, base) => (name === ENTRY ? ENTRY_SOURCE : readOrNull(join(base, name), name)),
    writeFile: (name, contents) => {
      if (name === OUTPUT && typeof contents !== 'string') module = contents;
    },
  });
  return { module, messages: messages.join('') };
}

/** The library is named by its whole path, a script's files relative to its folder. */
function readOrNull(path: string, name: string): string | null {
  for (const candidate of [name.startsWith('/') ? name : path, path]) {
    try {
      return readFileSync(candidate, 'utf8');
    } catch {
      // asc looks in several places.
    }
  }
  return null;
}

/** It comes with the development packages, so that a server's installation is without it. */
async function loadCompiler(): Promise<typeof import('assemblyscript/asc')> {
  try {
    return await import('assemblyscript/asc');
  } catch {
    throw new ScriptBuildError('AssemblyScript is not installed: run "npm install assemblyscript@0.28.20".');
  }
}
